# Debian and Ubuntu, by apt and dpkg.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none

# The lowest version of the architectures that a package is installed for. Half of an interrupted installation counts as what it was.
installed() {
  # shellcheck disable=SC2016 # dpkg's own fields
  dpkg-query -W -f='${db:Status-Status} ${Version} ${Config-Version}\n' "$1" 2>/dev/null | while read -r status version before; do
    case $status in
    installed | triggers-*) echo "$version" ;;
    unpacked | half-*) echo "${before:-0~interrupted}" ;;
    esac
  done | sort -V | head -n 1
}

at_least() { dpkg --compare-versions "$1" ge "$2"; }

upstream_of() { printf '%s\n' "$1" | sed 's/^[0-9]*://; s/-[^-]*$//; s/[~+]\(ds\|dfsg\)[0-9]*$//'; }

# The image, and the packages that go with it as they do with the running kernel.
kernel_wanted() {
  [ "$RINGWARD_STEP" != rollback ] || fail 1 "KernelRollbackNotPossible: $1 is not installed any more"
  echo "linux-image-$1 any -"
  running=$(uname -r)
  for part in linux-modules linux-modules-extra linux-headers; do
    [ -z "$(installed "$part-$running")" ] || echo "$part-$1 any -"
  done
}

is_locked() { grep -qE 'Could not get lock|Unable to (acquire|lock)|frontend lock was locked|is another process using it' "$2"; }

# What an interrupted dpkg left behind is finished first; what somebody holds is left alone, and said.
repair() {
  [ "$1" = stage ] || [ -z "$(dpkg --audit)" ] || patiently dpkg --configure -a --force-confdef --force-confold ||
    fail 1 "DpkgBroken: dpkg --configure -a failed: $(tail -n 1 "$DIR/out")"
  [ -f "$DIR/held" ] || apt-mark showhold >"$DIR/held"
  while read -r name _; do
    grep -qx "$name" "$DIR/held" || continue
    case " ${CHANGE_HELD-} " in *" $name "*) ;; *) fail 1 "Held: $name is on hold on this node (apt-mark showhold)" ;; esac
  done <"$DIR/plan"
}

open_place() {
  # Where one source fails and another is asked for at the same host, apt 2.6 waits for ever between its tries.
  options="-o APT::Update::Error-Mode=any -o Acquire::Retries::Delay=false"
  case $1 in
  own) return 0 ;;
  fresh) refresh ;;
  wide | archive)
    mkdir -p "$ARCHIVE/lists/partial"
    { cat /etc/apt/sources.list 2>/dev/null; level_sources; } >"$ARCHIVE/sources.list"
    # A snapshot is as old as it is: its index may be past the time that it was valid for.
    options="$options -o Dir::Etc::SourceList=$ARCHIVE/sources.list -o Dir::State::Lists=$ARCHIVE/lists"
    options="$options -o Acquire::Check-Valid-Until=false -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
    [ "$1" = wide ] || refresh
    ;;
  esac
}

refresh() {
  # shellcheck disable=SC2086 # words
  patiently apt-get -q $options update
}

# `NAME=VERSION` as apt takes it, of the newest that fits; nothing: this place does not have it.
pick() {
  # shellcheck disable=SC2086 # words
  apt-cache $options madison "$1" 2>/dev/null | awk '$2 == "|" && $0 ~ /Packages$/ { print $3 }' | while read -r version; do
    fits "$2" "$3" "$version" || continue
    echo "$1=$version"
    break
  done
}

apt_install() {
  # Removals are nobody's wish; downgrades are a rollback's alone.
  flags="-q -y --no-remove --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
  [ "$RINGWARD_STEP" != rollback ] || flags="$flags --allow-downgrades"
  [ -z "${CHANGE_HELD-}" ] || flags="$flags --allow-change-held-packages"
  # shellcheck disable=SC2086 # words
  patiently apt-get $options $flags install "$@"
}

fetch() {
  # shellcheck disable=SC2046 # words
  apt_install --download-only $(cat "$DIR/picked")
}

install() {
  shift
  apt_install --no-download "$@" || return 1
  # apt takes what it changes off hold.
  while read -r name _; do
    ! grep -qx "$name" "$DIR/held" || apt-mark hold "$name"
  done <"$DIR/plan"
}
