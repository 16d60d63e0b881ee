# Shared by systems that have an API and no shell: nothing is entered, and there is no unit to start; the API does the work and goes
# on with it when the job ends. What must be remembered stands in /var/lib/ringward, which such systems keep.
export LC_ALL=C
STATE=/host/var/lib/ringward

say() { printf 'ringward: %s\n' "$*" >&2; }

# fail CODE REASON: MESSAGE: the last line of the log, and the only one of the termination message.
fail() {
  fail_code=$1
  shift
  say "$*"
  [ ! -w /dev/termination-log ] || printf '%s\n' "$*" | cut -c 1-1000 >/dev/termination-log
  exit "$fail_code"
}

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# Sets WANT; empty: the level names no image. What comes from policy is an argument, never an option and never shell.
read_want() {
  if [ -z "${RINGWARD_CLAIM-}" ] || [ -z "${RINGWARD_ATTEMPT-}" ]; then fail 64 "Usage: RINGWARD_CLAIM and RINGWARD_ATTEMPT are not set"; fi
  [ -z "${RINGWARD_PACKAGES-}" ] || fail 64 "Usage: RINGWARD_PACKAGES: this system has no packages, only its image"
  WANT=${RINGWARD_OS_IMAGE#v}
  case $WANT in -* | *[!A-Za-z0-9.+_-]*) fail 64 "Usage: RINGWARD_OS_IMAGE is no version: $WANT" ;; esac
  mkdir -p "$STATE" || fail 1 "CannotWrite: $STATE"
  MARK=$STATE/$(printf '%s' "$RINGWARD_CLAIM" | tr -c 'A-Za-z0-9.-' _)
}

# is_there RUNNING: versions are floors but for a rollback.
is_there() {
  [ "$1" != "$WANT" ] || return 0
  [ "${RINGWARD_STEP-}" != rollback ] && [ "$(printf '%s\n%s\n' "$1" "$WANT" | sort -V | tail -n 1)" = "$1" ]
}

# Asks for one reboot in an attempt: with another boot id than the one that was written down it is done.
once_in_boot() {
  noted=$MARK-boot-$RINGWARD_ATTEMPT
  if [ -f "$noted" ] && [ "$(cat "$noted")" != "$(boot_id)" ]; then
    say "the node booted since"
    exit 0
  fi
  boot_id >"$noted" || fail 1 "CannotWrite: $noted"
  sync
}
