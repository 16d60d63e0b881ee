# Talos, by talosctl. Its upgrade writes the image and restarts the node in one call, which would kill the job of an update: so stage and
# update fetch the installer and look, and the reboot step upgrades. A boot that fails falls back to the other partition by itself.
CONFIG=${TALOSCONFIG_PATH:-/host/var/lib/ringward/talosconfig}

talos() { talosctl --talosconfig "$CONFIG" --endpoints "$TALOS_ENDPOINTS" --nodes "$RINGWARD_NODE_NAME" "$@"; }

running() {
  answer=$(talos version --short 2>&1) || fail 1 "ApiFailed: talosctl version: $(printf '%s\n' "$answer" | tail -n 1)"
  version=$(printf '%s\n' "$answer" | sed -n '/^Server:/,$ s/.*Tag: *v\([^ ]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] || fail 1 "StatusNotRead: talosctl version says: $answer"
}

# One minor version at a time: what Talos itself supports.
check_minor() {
  from=$(printf '%s' "$version" | cut -d . -f 2)
  to=$(printf '%s' "$WANT" | cut -d . -f 2)
  case $from$to in *[!0-9]* | "") fail 1 "VersionNotRead: $version or $WANT is no version of Talos" ;; esac
  [ $((to - from)) -le 1 ] || fail 1 "MinorSkipped: from $version to $WANT, and Talos goes one minor version at a time"
}

fetch() {
  answer=$(talos image pull --namespace system "$INSTALLER:v$WANT" 2>&1) && return 0
  case $answer in
  *NotFound* | *"not found"* | *"manifest unknown"*) fail 69 "VersionNotAvailable: there is no $INSTALLER:v$WANT" ;;
  *) fail 1 "NotFetched: $INSTALLER:v$WANT: $(printf '%s\n' "$answer" | tail -n 1)" ;;
  esac
}

read_want
[ -n "${TALOS_ENDPOINTS-}" ] || fail 64 "Usage: TALOS_ENDPOINTS is not set in the recipe"
[ -n "${INSTALLER-}" ] || fail 64 "Usage: INSTALLER is not set in the recipe"
[ -r "$CONFIG" ] || fail 78 "NoTalosconfig: $CONFIG is not there"
case $1 in
stage | update | rollback)
  running
  if [ -z "$WANT" ] || is_there "$version"; then
    say "the node runs $version: nothing is to be changed"
    rm -f "$MARK-upgrade"
    exit 0
  fi
  check_minor
  fetch
  [ "$1" = stage ] || printf '%s\n' "$WANT" >"$MARK-upgrade" || fail 1 "CannotWrite: $MARK-upgrade"
  ;;
reboot)
  once_in_boot
  running
  # Drained already: Talos need not, and before 1.13 it knows no such option.
  if [ -f "$MARK-upgrade" ] && [ "$(cat "$MARK-upgrade")" != "$version" ]; then
    answer=$(talos upgrade --image "$INSTALLER:v$(cat "$MARK-upgrade")" --wait=false 2>&1) || fail 1 "UpgradeFailed: $(printf '%s\n' "$answer" | tail -n 1)"
  else
    answer=$(talos reboot --wait=false 2>&1) || fail 1 "RebootFailed: $(printf '%s\n' "$answer" | tail -n 1)"
  fi
  ;;
*) fail 64 "Usage: stage, update, reboot or rollback" ;;
esac
