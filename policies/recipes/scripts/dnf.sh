# Rocky Linux, RHEL and their kin, by dnf 4.
RELEASE_SOURCES=${RELEASE_SOURCES:-#}

# What dnf ends with where its own lock is held (exit_on_lock), and rpm_is_free.
is_locked() { [ "$1" -eq 200 ] || [ "$1" -eq 201 ]; }

kernel_version() { printf '%s\n' "${1%.*}"; }

# Nothing comes in the place of a package that was not named, nor beside it; a source that cannot be read is an error.
dnf_run() {
  flags="--setopt=exit_on_lock=1 --setopt=best=1 --setopt=obsoletes=0 --setopt=install_weak_deps=0 --setopt=clean_requirements_on_remove=0"
  flags="$flags --setopt=skip_if_unavailable=0 --setopt=*.skip_if_unavailable=0"
  [ ! -f "$DIR/lifted" ] || flags="$flags $LIFTED"
  # shellcheck disable=SC2086 # words
  dnf -y $flags $options "$@"
}
LIFTED="--disableexcludes=all --disableplugin=versionlock"

# An interrupted transaction left packages in two versions: the newer is installed again and the older removed.
repair() {
  rm -f "$DIR/lifted"
  if [ "$1" = stage ] || [ -z "$(doubled)" ]; then return 0; fi
  say "in two versions since an interruption: $(doubled | paste -s -d ' ')"
  if places | grep -qx wide; then open_place wide; else open_place own; fi
  patiently rpm_is_free
  if ! patiently dnf_run remove --duplicates || [ -n "$(doubled)" ]; then
    fail 1 "RpmBroken: dnf remove --duplicates failed: $(tail -n 1 "$DIR/out")"
  fi
  plan >"$DIR/plan" || exit $?
}

open_place() {
  options=
  case $1 in own | wide) options="--setopt=metadata_expire=-1 --setopt=*.metadata_expire=-1" ;; esac
  case $1 in
  wide | archive)
    mkdir -p "$ARCHIVE"
    level_sources >"$ARCHIVE/ringward.repo"
    options="$options --setopt=reposdir=/etc/yum.repos.d,$ARCHIVE"
    [ "$RELEASE_SOURCES" != "#" ] || [ -z "${RINGWARD_SOURCE_RELEASE_VERSION-}" ] || options="$options --releasever=$RINGWARD_SOURCE_RELEASE_VERSION"
    ;;
  esac
  case $1 in fresh | archive) patiently dnf_run --refresh makecache ;; esac
}

spec() { printf '%s\n' "$1-$2${3:+.$3}"; }

pick() {
  offers "$1" || return 3
  picked=$(pick_newest "$@")
  if [ -z "$picked" ] && [ ! -f "$DIR/lifted" ]; then
    offers "$1" "$LIFTED" || return 3
    picked=$(pick_newest "$@")
    if [ -n "$picked" ]; then
      case " ${CHANGE_HELD-} " in *" $1 "*) ;; *) fail 1 "Held: $1 is excluded or locked on this node (excludepkgs, dnf versionlock)" ;; esac
      : >"$DIR/lifted"
    fi
  fi
  [ -z "$picked" ] || printf '%s\n' "$picked"
}

# dnf 4 knows no %{evr}.
offers() {
  # shellcheck disable=SC2086 # words
  patiently dnf_run -q ${2-} repoquery --showduplicates --qf 'offer %{name} %{epoch}:%{version}-%{release} %{arch}' "$1" >"$DIR/found" || return 1
  sed -n "s/^offer \($1\) \(0:\)*/\1 /p" "$DIR/found" >"$DIR/offers"
}

# Kept: else the next transaction of anybody throws them away. After ours they are thrown away as dnf would have done.
fetch() {
  # shellcheck disable=SC2046 # words
  patiently dnf_run --setopt=keepcache=1 install --downloadonly $(cat "$DIR/picked")
}

install() {
  shift
  patiently rpm_is_free
  patiently dnf_run -C install "$@" || return 1
  grep -qiE '^ *keepcache *= *(1|yes|true|on)' /etc/dnf/dnf.conf || dnf_run -q clean packages || true
}
