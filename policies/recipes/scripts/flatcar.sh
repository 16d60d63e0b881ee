# Flatcar: an image is written to the partition that does not run, by flatcar-update, and taken at the next boot. PREVIEW: run against fakes only.
# The payload is downloaded by `stage`, while pods still run. What boots is GRUB's choice: an image that does not come up is left again.
PAYLOADS=$STATE/flatcar
UPDATE_CONF=/etc/flatcar/update.conf
ENGINE_WAIT_SECONDS=${ENGINE_WAIT_SECONDS:-900}

os_version() { sed -n 's/^VERSION_ID=//p' /etc/os-release | tr -d '"'; }

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# engine FIELD: of the update engine's status. A status that does not come is an error, never "idle".
read_engine() {
  update_engine_client -status >"$DIR/engine" 2>"$DIR/engine.log" || fail 1 "EngineUnknown: $(tail -n 1 "$DIR/engine.log")"
  grep -q '^CURRENT_OP=' "$DIR/engine" || fail 1 "EngineUnknown: update_engine_client -status says no CURRENT_OP"
}
engine() { sed -n "s/^$1=//p" "$DIR/engine" | tail -n 1; }

# What the engine does on its own account is waited for, never broken off.
await_engine() {
  since=$(date +%s)
  while :; do
    read_engine
    op=$(engine CURRENT_OP)
    case $op in
    UPDATE_STATUS_IDLE | UPDATE_STATUS_UPDATED_NEED_REBOOT | UPDATE_STATUS_REPORTING_ERROR_EVENT) return ;;
    UPDATE_STATUS_CHECKING_FOR_UPDATE | UPDATE_STATUS_UPDATE_AVAILABLE | UPDATE_STATUS_DOWNLOADING | UPDATE_STATUS_VERIFYING | UPDATE_STATUS_FINALIZING) ;;
    *) fail 1 "EngineUnknown: update_engine_client says $op" ;;
    esac
    [ $(($(date +%s) - since)) -lt "$ENGINE_WAIT_SECONDS" ] || fail 75 "Locked: the update engine was busy for $ENGINE_WAIT_SECONDS s: $op"
    sleep 2
  done
}

# A kubelet is not in the image: one that is too old is told before anything changes.
check_kubelet() {
  [ -n "${RINGWARD_KUBELET-}" ] || return 0
  kubelet=/opt/bin/kubelet
  [ -x "$kubelet" ] || kubelet=kubelet
  have=$("$kubelet" --version 2>/dev/null | sed -n 's/^Kubernetes v//p')
  [ -n "$have" ] || fail 1 "KubeletUnknown: neither /opt/bin/kubelet nor kubelet tells its version"
  at_least "$have" "${RINGWARD_KUBELET#v}" || fail 1 "KubeletNotInImage: kubelet is $have, and the image brings none: ${RINGWARD_KUBELET#v} must come another way"
}

# Two who reboot are one too many: locksmithd would, as soon as the image is written.
check_reboots() {
  systemctl is-active --quiet locksmithd || return 0
  grep -qx 'REBOOT_STRATEGY=off' "$UPDATE_CONF" 2>/dev/null || fail 1 "RebootsElsewhere: locksmithd is active and REBOOT_STRATEGY is not off in $UPDATE_CONF"
}

do_step() {
  case $1 in stage | update | rollback) ;; *) fail 64 "Usage: stage, update or rollback" ;; esac
  check_environment
  [ -z "${RINGWARD_PACKAGES-}" ] || fail 64 "Usage: RINGWARD_PACKAGES is set, and this system has no packages"
  check_kubelet
  version=${RINGWARD_OS_IMAGE-}
  if [ -z "$version" ]; then
    say "nothing is to be changed"
    return 0
  fi
  case $version in *[!0-9.]*) fail 64 "Usage: RINGWARD_OS_IMAGE: $version is not a version of Flatcar" ;; esac
  running=$(os_version)
  [ -n "$running" ] || fail 1 "VersionUnknown: /etc/os-release says no VERSION_ID"
  await_engine
  waiting=""
  [ "$(engine CURRENT_OP)" != UPDATE_STATUS_UPDATED_NEED_REBOOT ] || waiting=$(engine NEW_VERSION)
  if fits "$1" "${waiting:-$running}"; then
    say "${waiting:-$running} ${waiting:+is written and }fits $version: nothing is to be changed"
    return 0
  fi
  check_reboots
  if [ -z "$waiting" ] || ! fits "$1" "$running"; then
    fetch_payload
    [ "$1" = stage ] || write_image
  elif [ "$1" != stage ]; then
    give_up
  fi
}

# fits STEP VERSION: versions are floors but for a rollback.
fits() { [ "$2" = "$version" ] || { [ "$RINGWARD_STEP" != rollback ] && at_least "$2" "$version"; }; }

is_whole() { [ -f "$1" ] && [ -f "$1.sha256" ] && [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$(cut -d ' ' -f 1 "$1.sha256")" ]; }

# Writes URL to FILE. That it is not there is known by the server's word only.
download() {
  status=$(curl -sSL --retry 3 --connect-timeout 20 -o "$2.new" -w '%{http_code}' "$1") || fail 1 "NotFetched: $1: curl ended with $?"
  case $status in
  200) mv "$2.new" "$2" ;;
  404 | 410) fail 69 "VersionNotAvailable: $1 is not there" ;;
  *) fail 1 "NotFetched: $1: the server says $status" ;;
  esac
}

fetch_payload() {
  payload=$PAYLOADS/$version.gz
  mkdir -p "$PAYLOADS"
  find "$PAYLOADS" -type f ! -name "$version.gz" ! -name "$version.gz.sha256" -exec rm {} +
  board=$(cat /usr/share/flatcar/release /usr/share/coreos/release 2>/dev/null | sed -n 's/^.*BOARD=//p' | head -n 1)
  [ -n "$board" ] || fail 1 "BoardUnknown: /usr/share/flatcar/release says no board"
  url=${RINGWARD_SOURCE_MIRROR:-${PAYLOAD_SOURCE:-https://update.release.flatcar-linux.net}}/$board/$version/flatcar_production_update.gz
  if ! is_whole "$payload"; then
    download "$url.sha256" "$payload.sha256"
    check_digest
    download "$url" "$payload"
    is_whole "$payload" || fail 1 "NotFetched: $url is not what $url.sha256 says"
  fi
  check_digest
  say "the payload of $version is on the disk"
}

check_digest() {
  sum=$(cut -d ' ' -f 1 "$payload.sha256")
  [ -z "${RINGWARD_SOURCE_OS_IMAGE_DIGEST-}" ] || [ "$RINGWARD_SOURCE_OS_IMAGE_DIGEST" = "sha256:$sum" ] ||
    fail 1 "DigestMismatch: the payload of $version has sha256:$sum, the level names $RINGWARD_SOURCE_OS_IMAGE_DIGEST"
}

# An image that waits for a boot and is not the one that is wanted is given up first: flatcar-update refuses to go over it.
give_up() {
  say "giving up $waiting, which waits for a boot"
  update_engine_client -reset_status || fail 1 "ResetFailed: update_engine_client -reset_status"
}

write_image() {
  [ -z "$waiting" ] || give_up
  flatcar-update --to-version "$version" --to-payload "$payload" --disable-afterwards
  code=$?
  # flatcar-update that fails leaves its own server behind in the configuration.
  if grep -q '^SERVER=http://localhost:' "$UPDATE_CONF"; then sed -i 's|^SERVER=http://localhost:.*|SERVER=disabled|' "$UPDATE_CONF"; fi
  [ "$code" -eq 0 ] || fail 1 "InstallFailed: $(grep '^Error' "$DIR/log" | tail -n 1)"
  read_engine
  [ "$(engine CURRENT_OP) $(engine NEW_VERSION)" = "UPDATE_STATUS_UPDATED_NEED_REBOOT $version" ] ||
    fail 1 "NotInstalled: flatcar-update ended without an error, and the engine says $(engine CURRENT_OP) $(engine NEW_VERSION)"
  rm -f "$payload" "$payload.sha256"
}
