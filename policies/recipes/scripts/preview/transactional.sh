# openSUSE MicroOS and its kin: the running root is read-only. transactional-update installs into a new snapshot, which the next boot
# takes. Nothing that runs changes before that, and the snapshot from before is what a rollback goes back to.
export ZYPP_LOCK_TIMEOUT=60
ROOT=/

versions_of() { rpm --root "$ROOT" -q --qf '%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n' "$1" 2>/dev/null; }

# order A B: zypper prints 1 where A is newer, -1 where B is, and 0.
order() { zypper --terse versioncmp "$1" "$2" | tail -n 1; }

# reaches HAVE WANT: what nodeInfo shows has no release, so that any will do.
reaches() {
  have=$1
  case $2 in *-*) ;; *) have=$(printf '%s\n' "$1" | sed 's/^[0-9]*://; s/-[^-]*$//') ;; esac
  [ "$have" != "$2" ] || return 0
  [ "$RINGWARD_STEP" != rollback ] || return 1
  compared=$(order "$have" "$2")
  case $compared in
  0 | 1) ;;
  -1) return 1 ;;
  *) fail 1 "VersionNotRead: zypper cannot compare $have and $2: $compared" ;;
  esac
}

# Lines of NAME=VERSION that this root lacks. Packages that are not installed are never added.
plan() {
  check_environment
  for want in ${RINGWARD_PACKAGES-} ${RINGWARD_KUBELET:+"kubernetes-kubelet=${RINGWARD_KUBELET#v}"} \
    ${RINGWARD_CONTAINER_RUNTIME:+"${RINGWARD_CONTAINER_RUNTIME%%://*}=${RINGWARD_CONTAINER_RUNTIME#*://}"} \
    ${RINGWARD_KERNEL:+"kernel-${RINGWARD_KERNEL##*-}=${RINGWARD_KERNEL%-*}"}; do
    case $want in *?=?*) ;; *) fail 64 "Usage: RINGWARD_PACKAGES: \"$want\" is not NAME=VERSION" ;; esac
    name=${want%%=*}
    found=$(versions_of "$name") || {
      say "$name is not installed and is not added"
      continue
    }
    reached=
    # Kernels are installed beside each other: one of them is enough. A kernel's release goes on where its name ends.
    for version in $found; do
      case $name in kernel-*) case $version in "${want#*=}".*) reached=yes ;; esac ;; esac
      [ -n "$reached" ] || ! reaches "$version" "${want#*=}" || reached=yes
    done
    if [ -n "$reached" ]; then say "$name is at ${want#*=} or newer"; else echo "$want"; fi
  done
}

# pick NAME VERSION: the edition that the sources have; nothing where none fits.
pick() {
  zypper --non-interactive --no-refresh --xmlout search --details --match-exact --type package "$1" >"$DIR/found" 2>&1
  found_code=$?
  case $found_code in 0 | 104) ;; *) return "$found_code" ;; esac
  sed -n '/repository="(System Packages)"/d; s/.*<solvable .* edition="\([^"]*\)".*/\1/p' "$DIR/found" | while read -r edition; do
    case $edition in
    "$2" | "$2"-*) ;;
    "$2".*) case $1 in kernel-*) ;; *) continue ;; esac ;;
    *) continue ;;
    esac
    echo "$1=$edition"
    break
  done
}

# run PROGRAM ...: 100 to 103 and 106 say that there is more to do, not that something went wrong. 7: somebody holds zypp's lock.
run() {
  tries=0
  while :; do
    "$@" >"$DIR/out" 2>&1
    run_code=$?
    cat "$DIR/out"
    case $run_code in
    100 | 101 | 102 | 103) return 0 ;;
    7) tries=$((tries + 1)) ;;
    *) return "$run_code" ;;
    esac
    [ "$tries" -lt "${LOCK_TRIES:-15}" ] || fail 75 "Locked: another process held zypp's lock for $tries tries: $(tail -n 1 "$DIR/out")"
    sleep "${LOCK_PAUSE:-60}"
  done
}

# The edition of each package of the plan is looked up before anything is changed.
find_all() {
  run zypper --non-interactive refresh || fail 1 "NotFetched: the sources cannot be read: $(tail -n 1 "$DIR/out")"
  : >"$DIR/picked"
  while read -r want; do
    exact=$(pick "${want%%=*}" "${want#*=}") || fail 1 "NotFetched: zypper cannot search: $(tail -n 1 "$DIR/found")"
    [ -n "$exact" ] || fail 69 "VersionNotAvailable: no source has $want"
    echo "$exact" >>"$DIR/picked"
  done <"$DIR/plan"
}

do_step() {
  case $1 in stage | update | rollback) ;; *) fail 64 "Usage: stage, update or rollback" ;; esac
  # What a snapshot has that waits for the next boot is not done twice.
  waiting=$(waiting_root) || exit $?
  [ -z "$waiting" ] || ROOT=$waiting
  plan >"$DIR/plan" || exit $?
  if [ ! -s "$DIR/plan" ]; then
    say "nothing is to be changed in $ROOT"
    return 0
  fi
  find_all
  old=
  [ "$1" != rollback ] || old=--oldpackage
  if [ "$1" = stage ]; then
    # shellcheck disable=SC2046,SC2086 # words
    run zypper --non-interactive --no-refresh install --download-only $old $(cat "$DIR/picked") || fail 1 "NotFetched: $(tail -n 1 "$DIR/out")"
    return 0
  fi
  # shellcheck disable=SC2046,SC2086 # words
  run transactional-update --non-interactive --continue pkg install $old $(cat "$DIR/picked") || fail 1 "InstallFailed: $(tail -n 1 "$DIR/out")"
  ROOT=$(waiting_root) || exit $?
  [ -n "$ROOT" ] || fail 1 "NotInstalled: transactional-update ended without an error and left no new snapshot"
  plan >"$DIR/left" || exit $?
  [ ! -s "$DIR/left" ] || fail 1 "NotInstalled: $(head -n 1 "$DIR/left") is not in $ROOT, although transactional-update ended without an error"
  say "$ROOT is taken at the next boot"
}
