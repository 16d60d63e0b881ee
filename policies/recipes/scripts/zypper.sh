# SUSE Linux Enterprise and openSUSE Leap, by zypper.
export ZYPP_LOCK_TIMEOUT=0
RELEASE_SOURCES=${RELEASE_SOURCES:-#}

# What zypper ends with where its lock is held, and rpm_is_free.
is_locked() { [ "$1" -eq 7 ] || [ "$1" -eq 201 ]; }

kernel_version() { printf '%s\n' "${1%-*}"; }

# 100 to 103 say that there is more to do (patches, a reboot, zypper itself), not that something went wrong.
zypper_run() {
  # shellcheck disable=SC2086 # words
  zypper --non-interactive $options "$@"
  zypper_code=$?
  case $zypper_code in 10[0-3]) return 0 ;; *) return "$zypper_code" ;; esac
}

# An interrupted transaction left packages in two versions: the newer is installed again, which removes the older.
repair() {
  options=--no-refresh
  patiently zypper_run locks >"$DIR/held" || fail 1 "NotRead: what is locked on this node: $(tail -n 1 "$DIR/held")"
  sed -n 's/^ *[0-9][0-9]* *| *\([^ ]*\) *|.*/\1/p' "$DIR/held" | while read -r locked; do
    while read -r name _; do
      # shellcheck disable=SC2254 # a pattern
      case $name in $locked) fail 1 "Held: $name is locked on this node (zypper locks)" ;; esac
    done <"$DIR/plan"
  done || exit $?
  if [ "$1" = stage ] || [ -z "$(doubled)" ]; then return 0; fi
  say "in two versions since an interruption: $(doubled | paste -s -d ' ')"
  if places | grep -qx wide; then open_place wide; else open_place own; fi
  for name in $(doubled); do
    newest=$(rpm -q --qf "$EVR\n" "$name" | newest)
    patiently rpm_is_free
    patiently zypper_run install --force --no-recommends "$name=$newest" ||
      fail 1 "RpmBroken: $name cannot be installed again: $(tail -n 1 "$DIR/out")"
  done
  [ -z "$(doubled)" ] || fail 1 "RpmBroken: in two versions: $(doubled | paste -s -d ' ')"
  plan >"$DIR/plan" || exit $?
}

open_place() {
  options=
  case $1 in
  wide | archive)
    rm -rf "$ARCHIVE/repos"
    mkdir -p "$ARCHIVE/repos"
    for file in /etc/zypp/repos.d/*.repo; do [ ! -e "$file" ] || ln -s "$file" "$ARCHIVE/repos"; done
    level_sources >"$ARCHIVE/repos/ringward.repo"
    # A cache of its own: from the node's zypper removes what belongs to no source of the node.
    options="--reposd-dir $ARCHIVE/repos --cache-dir $ARCHIVE/cache"
    [ "$RELEASE_SOURCES" != "#" ] || [ -z "${RINGWARD_SOURCE_RELEASE_VERSION-}" ] || options="$options --releasever $RINGWARD_SOURCE_RELEASE_VERSION"
    ;;
  esac
  case $1 in fresh | archive) patiently zypper_run refresh || return 1 ;; esac
  options="$options --no-refresh"
}

spec() { printf '%s\n' "$1${3:+.$3}=$2"; }

# 104: no such package in any source.
pick() {
  patiently zypper_run --xmlout search --details --match-exact --type package "$1" >"$DIR/found" || [ "$patient_code" -eq 104 ] || return 3
  sed -n '/repository="(System Packages)"/d; s/.*<solvable .* name="\([^"]*\)" .* edition="\([^"]*\)" arch="\([^"]*\)".*/\1 \2 \3/p' "$DIR/found" |
    grep "^$1 " | sort -u >"$DIR/offers"
  pick_newest "$@"
}

zypper_install() {
  flags="--no-recommends --no-force-resolution"
  [ "$RINGWARD_STEP" != rollback ] || flags="$flags --oldpackage"
  # shellcheck disable=SC2086 # words
  patiently zypper_run install $flags "$@"
}

fetch() {
  # shellcheck disable=SC2046 # words
  zypper_install --download-only $(cat "$DIR/picked")
}

install() {
  shift
  patiently rpm_is_free
  zypper_install "$@"
}
