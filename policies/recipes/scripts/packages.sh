# Shared by the package managers: what of the level has to change on this node, found from what is installed, and in what order
# things are done. Versions are floors but for a rollback; packages that are not installed are never added; nothing is changed
# before all of it is on the disk. A package manager gives: installed, at_least, upstream_of, kernel_wanted, is_locked, repair,
# open_place, pick (3: the place cannot be read), fetch, install.
ARCHIVE=$STATE/archive
LOCK_WAIT_SECONDS=${LOCK_WAIT_SECONDS:-900}

# patiently PROGRAM ...: waits for a lock that somebody else holds; ends nobody. `is_locked` knows the program's way to say so.
patiently() {
  since=$(date +%s)
  while :; do
    "$@" >"$DIR/out" 2>&1 </dev/null
    patient_code=$?
    if [ "$patient_code" -eq 0 ] || ! is_locked "$patient_code" "$DIR/out"; then
      cat "$DIR/out"
      return "$patient_code"
    fi
    if [ $(($(date +%s) - since)) -ge "$LOCK_WAIT_SECONDS" ]; then
      cat "$DIR/out"
      fail 75 "Locked: another process held the lock of $1 for $LOCK_WAIT_SECONDS s: $(grep -i lock "$DIR/out" | head -n 1)"
    fi
    sleep 2
  done
}

# Lines of `NAME KIND VERSION`: KIND `exact`, `upstream` where the level names what nodeInfo shows, `starts` where packages of a kernel
# add to its release, `any`.
plan() {
  check_environment
  for want in ${RINGWARD_PACKAGES-}; do
    case $want in *?=?*) ;; *) fail 64 "Usage: RINGWARD_PACKAGES: \"$want\" is not NAME=VERSION" ;; esac
    version=${want#*=}
    plan_package "${want%%=*}" exact "${version#0:}"
  done
  [ -z "${RINGWARD_KUBELET-}" ] || plan_package kubelet upstream "${RINGWARD_KUBELET#v}"
  [ -z "${RINGWARD_CONTAINER_RUNTIME-}" ] || plan_runtime "${RINGWARD_CONTAINER_RUNTIME%%://*}" "${RINGWARD_CONTAINER_RUNTIME#*://}"
  [ -z "${RINGWARD_KERNEL-}" ] || plan_kernel "$RINGWARD_KERNEL"
}

plan_package() {
  have=$(installed "$1")
  if [ -z "$have" ]; then
    say "$1 is not installed and is not added"
    return
  fi
  compared=$have
  [ "$2" = exact ] || compared=$(upstream_of "$have")
  if [ "$compared" = "$3" ]; then
    say "$1 is at $3"
  elif [ "${RINGWARD_STEP-}" != rollback ] && at_least "$compared" "$3"; then
    say "$1 is newer ($have) and is kept"
  else
    echo "$1 $2 $3"
  fi
}

# The package that brings the runtime which nodeInfo names. A runtime that no package brought cannot be updated by one.
plan_runtime() {
  case $1 in
  containerd) names="containerd.io containerd" ;;
  cri-o) names="cri-o" ;;
  *) names=$1 ;;
  esac
  for name in $names; do
    [ -n "$(installed "$name")" ] || continue
    plan_package "$name" upstream "$2"
    return
  done
  fail 1 "RuntimeNotPackaged: none of the packages $names is installed"
}

# Kernels are installed beside each other; one that is new enough and of this flavour may be there already.
plan_kernel() {
  for release in $(kernels); do
    [ "$(flavour "$release")" = "$(flavour "$1")" ] || continue
    if [ "$release" = "$1" ] || { [ "${RINGWARD_STEP-}" != rollback ] && at_least "$release" "$1"; }; then
      say "kernel $release is installed"
      return
    fi
  done
  kernel_wanted "$1"
}

kernels() {
  for modules in /lib/modules/*; do
    release=${modules##*/}
    if [ -e "/boot/vmlinuz-$release" ] || [ -e "$modules/vmlinuz" ] || [ -e "/boot/Image-$release" ]; then echo "$release"; fi
  done
}

flavour() { printf '%s\n' "${1##*[-.]}"; }

do_step() {
  case $1 in stage | update | rollback) ;; *) fail 64 "Usage: stage, update or rollback" ;; esac
  plan >"$DIR/plan" || exit $?
  # Rebuilt by every run: what an interrupted one left behind says nothing.
  [ ! -s "$DIR/plan" ] || repair "$1"
  if [ ! -s "$DIR/plan" ]; then
    say "nothing is to be changed"
  else
    find_all
  fi
  [ "$1" = stage ] || change "$1"
}

# `own` and `wide` are what the node knows; `fresh` asks its sources again, `archive` those of the level beside them.
places() {
  echo own
  echo fresh
  if [ -n "$(level_sources)" ]; then
    [ ! -d "$ARCHIVE" ] || echo wide
    echo archive
  fi
}

level_sources() {
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release | tr -d '"')
  {
    [ -z "${RINGWARD_SOURCE_SNAPSHOT-}" ] || printf '%s\n' "${SNAPSHOT_SOURCES-}"
    [ -z "${RINGWARD_SOURCE_MIRROR-}" ] || printf '%s\n' "${MIRROR_SOURCES-}"
    [ -z "${RINGWARD_SOURCE_RELEASE_VERSION-}" ] || printf '%s\n' "${RELEASE_SOURCES-}"
  } | sed "s|@SNAPSHOT@|${RINGWARD_SOURCE_SNAPSHOT-}|g; s|@MIRROR@|${RINGWARD_SOURCE_MIRROR-}|g; s|@RELEASE@|${RINGWARD_SOURCE_RELEASE_VERSION-}|g
    s|@CODENAME@|$codename|g"
}

# fits KIND WANTED VERSION
fits() {
  case $1 in
  exact) [ "$3" = "$2" ] ;;
  upstream) [ "$(upstream_of "$3")" = "$2" ] ;;
  starts) case $3 in "$2" | "$2".*) ;; *) return 1 ;; esac ;;
  esac
}

# Looks into the places in their order, the cheapest first, until one has it all and everything was fetched from there.
# Only when each could be read and one version was in none of them, it cannot be had; else nobody knows.
find_all() {
  unread=""
  missing=""
  for place in $(places); do
    missing=""
    broken=""
    if ! open_place "$place"; then
      unread="$unread $place"
      continue
    fi
    : >"$DIR/picked"
    while read -r name kind version; do
      exact=$(pick "$name" "$kind" "$version")
      pick_code=$?
      case $pick_code in 0 | 3) ;; *) exit "$pick_code" ;; esac
      if [ -z "$exact" ]; then
        [ "$pick_code" -eq 0 ] || broken=yes
        missing="$name=$version"
        break
      fi
      echo "$exact" >>"$DIR/picked"
    done <"$DIR/plan"
    [ -n "$missing" ] || ! fetch || return 0
    [ -z "$missing" ] || [ -n "$broken" ] || continue
    # What was remembered may be gone meanwhile, which the next place knows.
    case $place in own | wide) ;; *) unread="$unread $place" ;; esac
  done
  [ -z "$unread" ] || fail 1 "NotFetched: from$unread: $(grep -E '^(E:|Err|Curl|Problem|[a-z-]+: .*rror)' "$DIR/log" | tail -n 1)"
  fail 69 "VersionNotAvailable: $missing is in none of: $(places | paste -s -d ' ')"
}

# The versions from before are kept for people; what has to be restarted is, also where an interruption came between.
change() {
  [ -s "$DIR/plan" ] || { restart_services; return; }
  while read -r name _; do echo "$name=$(installed "$name")"; done <"$DIR/plan" >"$DIR/previous"
  cat "$DIR/plan" >>"$STATE/restart"
  # shellcheck disable=SC2046 # words
  install "$1" $(cat "$DIR/picked") || fail 1 "InstallFailed: $(grep -E '^(E:|Error|dpkg: error|Problem)' "$DIR/log" | tail -n 1)"
  plan >"$DIR/left" 2>/dev/null || exit $?
  [ ! -s "$DIR/left" ] || fail 1 "NotInstalled: $(head -n 1 "$DIR/left") is wanted, although the package manager ended without an error"
  restart_services
}

# Packages of the kubelet do not all restart it; a changed binary that does not run is not an update.
restart_services() {
  [ -s "$STATE/restart" ] || return 0
  cut -d ' ' -f 1 "$STATE/restart" | sort -u | while read -r name; do
    case $name in
    kubelet) unit=kubelet ;;
    containerd.io | containerd) unit=containerd ;;
    cri-o) unit=crio ;;
    *) continue ;;
    esac
    systemctl daemon-reload
    say "restarting $unit"
    systemctl try-restart "$unit" || fail 1 "RestartFailed: $unit"
  done || exit $?
  rm "$STATE/restart"
}
