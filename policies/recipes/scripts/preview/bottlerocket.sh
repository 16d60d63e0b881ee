# Bottlerocket, by apiclient over the host's own socket. An image is written to the inactive partition while pods still run (stage), the
# next boot is turned to it on the drained node (update), and only then the node restarts. A boot that fails falls back by itself.
api() { /host/usr/bin/apiclient --socket-path /host/run/api.sock "$@"; }

# ask ARGUMENTS: the API is limited to a call in ten seconds, and answers 423 while an update action holds its lock.
ask() {
  tries=0
  until ANSWER=$(api "$@" 2>&1); do
    case $ANSWER in *423*) ;; *) fail 1 "ApiFailed: apiclient $*: $(printf '%s\n' "$ANSWER" | tail -n 1)" ;; esac
    tries=$((tries + 1))
    [ "$tries" -lt "${LOCK_TRIES:-120}" ] || fail 75 "Locked: another update action held the API's lock for $tries tries"
    sleep "${PACE_SECONDS:-10}"
  done
}

# JSON in one line, without spaces between its parts.
flat() { tr -d '\n' | sed 's/\([,:{[]\) */\1/g'; }

# text NAME, from an object in $1: the first string of that name.
text() { printf '%s' "$1" | flat | sed -n "s/.*[{,]\"$2\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }

# part NAME: the image of a partition, or what was chosen, out of STATUS.
part() { printf '%s' "$STATUS" | sed -n "s/.*\"$1\":\({\"image\":\)\{0,1\}{\([^}]*\)}.*/{\2}/p"; }

look() {
  ask raw -u /updates/status
  STATUS=$(printf '%s' "$ANSWER" | flat)
  UPDATE_STATE=$(text "$STATUS" update_state)
  case $UPDATE_STATE in Idle | Available | Staged | Ready) ;; *) fail 1 "StatusNotRead: /updates/status says: $ANSWER" ;; esac
}

# act NAME: an action runs after its answer; it is over when the status can be read again and tells of it.
act() {
  look
  before=$(text "$STATUS" timestamp)
  ask raw -m POST -u "/actions/$1-update$2"
  looks=0
  while :; do
    sleep "${PACE_SECONDS:-10}"
    look
    [ "$(text "$STATUS" timestamp)" = "$before" ] || break
    looks=$((looks + 1))
    [ "$looks" -lt 60 ] || fail 1 "ActionNotSeen: $1-update was asked for and never shown in /updates/status"
  done
  [ "$(text "$STATUS" cmd_type)" = "$1" ] || fail 1 "Interrupted: somebody else ran $(text "$STATUS" cmd_type) meanwhile"
  [ "$(text "$STATUS" cmd_status)" = Success ] || fail 1 "ActionFailed: $1: $(text "$STATUS" stderr)"
}

is_staged() { [ "$(text "$(part staging_partition)" version)" = "$WANT" ]; }

# 69 before anything was changed: the list of what can be had does not depend on the lock of the version.
stage() {
  if is_staged; then case $UPDATE_STATE in Staged | Ready) return 0 ;; esac fi
  # Somebody else's update, which the next boot would take: what people are at is not undone.
  [ "$UPDATE_STATE" != Ready ] || fail 1 "OtherUpdateReady: $(text "$(part staging_partition)" version) waits for a boot: reboot the node, or deactivate it (apiclient)"
  act refresh s
  case $STATUS in
  *"\"available_updates\":["*"\"$WANT\""*"]"*) ;;
  *) fail 69 "VersionNotAvailable: the update repository has no $WANT" ;;
  esac
  ask set "updates.version-lock=v$WANT" updates.ignore-waves=true
  act refresh s
  [ "$(text "$(part chosen_update)" version)" = "$WANT" ] || fail 1 "NotChosen: version-lock is v$WANT, and $(text "$(part chosen_update)" version) was chosen"
  act prepare ""
  is_staged || fail 1 "NotStaged: $WANT is not on the inactive partition, although prepare-update ended without an error"
}

activate() {
  [ "$UPDATE_STATE" = Ready ] || act activate ""
  [ "$UPDATE_STATE" = Ready ] || fail 1 "NotActivated: the update is $UPDATE_STATE, although activate-update ended without an error"
}

read_want
case $1 in
stage | update | rollback)
  ask raw -u /os
  running=$(text "$ANSWER" version_id)
  [ -n "$running" ] || fail 1 "StatusNotRead: /os says: $ANSWER"
  if [ -z "$WANT" ] || is_there "$running"; then
    say "the node runs $running: nothing is to be changed"
    [ "$1" = rollback ] || exit 0
    # An update that was activated and never booted would come with the next boot.
    look
    [ "$UPDATE_STATE" != Ready ] || act deactivate ""
    exit 0
  fi
  look
  stage
  [ "$1" = stage ] || activate
  ;;
reboot)
  once_in_boot
  ask raw -m POST -u /actions/reboot
  ;;
*) fail 64 "Usage: stage, update, reboot or rollback" ;;
esac
