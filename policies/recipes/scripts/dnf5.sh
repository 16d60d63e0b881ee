# Fedora, by dnf5 and rpm. PREVIEW: run against fakes only. Versions are [EPOCH:]VERSION-RELEASE, an epoch of 0 is not written.

# Of packages that are installed beside each other the highest.
installed() {
  rpm -q --qf '%{EVR}\n' "$1" >"$DIR/rpm" 2>&1 || return 0
  newest <"$DIR/rpm"
}

newest() {
  found=""
  while read -r other; do
    if [ -z "$found" ] || at_least "$other" "$found"; then found=$other; fi
  done
  [ -z "$found" ] || printf '%s\n' "$found"
}

# As rpm itself compares them; an answer that is none is an error.
at_least() {
  order=$(rpm --eval "%{lua:print(rpm.vercmp('$1', '$2'))}")
  case $order in
  0 | 1) ;;
  -1) return 1 ;;
  *) fail 1 "VersionNotRead: rpm does not compare $1 with $2: $order" ;;
  esac
}

upstream_of() { printf '%s\n' "$1" | sed 's/^[0-9]*://; s/-[^-]*$//'; }

# The packages that go with the running kernel, at the version of the wanted one.
kernel_wanted() {
  [ "$RINGWARD_STEP" != rollback ] || fail 1 "KernelRollbackNotPossible: $1 is not installed any more"
  running=$(uname -r)
  rpm -q "kernel-core-$running" >/dev/null 2>&1 || fail 1 "KernelNotPackaged: no package kernel-core brings the running kernel $running"
  for name in kernel-core kernel-modules-core kernel-modules kernel-modules-extra kernel; do
    if rpm -q "$name-$running" >/dev/null 2>&1; then echo "$name exact ${1%.*}"; fi
  done
}

is_locked() { grep -qiE 'transaction lock|lock .*(held|taken)|waiting for .*lock' "$2"; }

repair() { :; }

# What a place has stands in a file, so that a question that failed is never taken for "not there". What the node knew before may be
# nothing: `fresh` comes after it.
open_place() {
  options="--setopt=keepcache=1"
  [ -z "${RINGWARD_SOURCE_RELEASE_VERSION-}" ] || options="$options --releasever=$RINGWARD_SOURCE_RELEASE_VERSION"
  [ -z "${RINGWARD_SOURCE_MIRROR-}" ] || options="$options --repofrompath=ringward,$RINGWARD_SOURCE_MIRROR"
  # shellcheck disable=SC2086 # words
  [ "$1" = own ] || patiently dnf5 -q $options --refresh makecache || return 1
  # shellcheck disable=SC2086,SC2046 # words
  patiently dnf5 -q -C $options repoquery --available --qf '%{name} %{evr}\n' $(cut -d ' ' -f 1 "$DIR/plan") >"$DIR/seen" || {
    [ "$1" = own ] || return 1
    : >"$DIR/seen"
  }
  sed 's/ 0:/ /' "$DIR/seen" >"$DIR/offers"
}

# `NAME-EVR` as dnf5 takes it.
pick() {
  picked=$(awk -v name="$1" '$1 == name && NF == 2 { print $2 }' "$DIR/offers" | while read -r evr; do
    case $2 in
    exact) [ "$evr" = "$3" ] || continue ;;
    upstream) [ "$(upstream_of "$evr")" = "$3" ] || continue ;;
    esac
    echo "$evr"
  done | newest)
  [ -z "$picked" ] || echo "$1-$picked"
}

# What `stage` left on the disk is taken without asking anybody.
fetch() { download -C || download; }

download() {
  # shellcheck disable=SC2086,SC2046 # words
  patiently dnf5 -y ${1-} $options install --allow-downgrade --downloadonly $(cat "$DIR/picked")
}

# Without --allowerasing nothing is removed; from what is on the disk, so that a source that changed meanwhile changes nothing.
install() {
  verb=install
  [ "$1" != rollback ] || verb=downgrade
  shift
  # shellcheck disable=SC2086 # words
  patiently dnf5 -y -C $options --setopt=obsoletes=0 --setopt=install_weak_deps=0 "$verb" "$@"
}
