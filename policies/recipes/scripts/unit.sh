# Shared by every step that changes a node: the work is done in a transient unit of the node's systemd, so that an upgrade of
# containerd or kubelet, or the end of the job, cannot kill a package manager half-way. The job only starts it and waits for it.
# What was begun stands in /var/lib/ringward/steps/CLAIM-STEP-ATTEMPT: a second run of a step finds it and does not start it twice.
STATE=/var/lib/ringward
UNIT=ringward-step
STARTS=3

# The lock is the kernel's: it is gone with the process that holds it, however that ends.
is_running() { ! flock -s -n "$STATE/lock" true; }

count_starts() { if [ -f "$DIR/starts" ]; then wc -l <"$DIR/starts"; else echo 0; fi; }

# Starts the work of this step unless it was begun, waits for it, and ends as it ended.
follow() {
  if [ -z "${RINGWARD_CLAIM-}" ] || [ -z "${RINGWARD_ATTEMPT-}" ]; then fail 64 "Usage: RINGWARD_CLAIM and RINGWARD_ATTEMPT are not set"; fi
  step=$1
  script=$2
  umask 077
  DIR=$STATE/steps/$(printf '%s' "$RINGWARD_CLAIM-$step-$RINGWARD_ATTEMPT" | tr -c 'A-Za-z0-9.-' _)
  mkdir -p "$DIR" || fail 1 "CannotWrite: $STATE"
  : >>"$STATE/lock"
  refused=0
  while [ ! -f "$DIR/result" ]; do
    if is_running; then
      sleep 1
    elif [ ! -f "$DIR/result" ]; then
      [ "$(count_starts)" -lt "$STARTS" ] || fail 1 "Interrupted: step $step was started $STARTS times and never ended; see $DIR/starts on the node"
      if start; then
        await_start
      else
        refused=$((refused + 1))
        [ "$refused" -lt 30 ] || fail 1 "UnitNotStarted: $(tail -n 1 "$DIR/start.log")"
        sleep 1
      fi
    fi
  done
  tail -c 16000 "$DIR/log"
  code=$(cat "$DIR/result")
  [ "$code" -eq 0 ] || tail -n 1 "$DIR/log" | sed 's/^ringward: //' | cut -c 1-1000 >&3
  exit "$code"
}

start() {
  started=$(count_starts)
  export -p | sed '/RINGWARD_PLACE/d' >"$DIR/env"
  printf '%s\n' "$script" >"$DIR/script"
  printf '%s\n' "set -- '$step'; DIR='$DIR'; . '$DIR/env'; RINGWARD_PLACE=unit; . '$DIR/script'" >"$DIR/run"
  detach /bin/sh "$DIR/run" >"$DIR/start.log" 2>&1
}

# KillMode=process, as apt's own units have it: whatever ends the unit does not end a running transaction.
detach() {
  systemd-run --unit="$UNIT" --collect --quiet --property=KillMode=process \
    --description="Ringward: $step, claim $RINGWARD_CLAIM, attempt $RINGWARD_ATTEMPT" "$@"
}

await_start() {
  waited=0
  while [ "$(count_starts)" -eq "$started" ] && [ ! -f "$DIR/result" ] && [ "$waited" -lt 30 ]; do
    sleep 1
    waited=$((waited + 1))
  done
}

# In the unit. Only the shell holds the lock: a daemon that a package starts must not keep it.
work() {
  exec 9>>"$STATE/lock"
  flock -w 60 9 || exit 75
  [ ! -f "$DIR/result" ] || exit 0
  printf 'boot=%s level=%s step=%s attempt=%s\n' "$(boot_id)" "${RINGWARD_LEVEL-}" "$1" "$RINGWARD_ATTEMPT" >>"$DIR/starts"
  (do_step "$1") >>"$DIR/log" 2>&1 </dev/null 9>&- 3>&-
  echo $? >"$DIR/result.new"
  sync
  mv "$DIR/result.new" "$DIR/result"
  # What was begun long ago is of no use to anybody.
  find "$STATE/steps" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -r {} +
}

# check_words NAME VALUE: what comes from policy is an argument, never an option and never shell.
check_words() {
  case $2 in
  *[!A-Za-z0-9._:/~%+=^@\ -]*) fail 64 "Usage: $1 holds a character that is in no version and no address" ;;
  esac
  # shellcheck disable=SC2086 # words
  for word in $2; do
    case $word in -*) fail 64 "Usage: $1 holds the option $word" ;; esac
  done
}

check_environment() {
  check_words RINGWARD_PACKAGES "${RINGWARD_PACKAGES-}"
  check_words RINGWARD_KERNEL "${RINGWARD_KERNEL-}"
  check_words RINGWARD_KUBELET "${RINGWARD_KUBELET-}"
  check_words RINGWARD_CONTAINER_RUNTIME "${RINGWARD_CONTAINER_RUNTIME-}"
  check_words RINGWARD_OS_IMAGE "${RINGWARD_OS_IMAGE-}"
  check_words RINGWARD_SOURCE_SNAPSHOT "${RINGWARD_SOURCE_SNAPSHOT-}"
  check_words RINGWARD_SOURCE_MIRROR "${RINGWARD_SOURCE_MIRROR-}"
  check_words RINGWARD_SOURCE_RELEASE_VERSION "${RINGWARD_SOURCE_RELEASE_VERSION-}"
  check_words RINGWARD_SOURCE_OS_IMAGE_DIGEST "${RINGWARD_SOURCE_OS_IMAGE_DIGEST-}"
}
