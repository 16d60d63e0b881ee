# Restarts the node, once for each attempt: with another boot id than the one that was written down it is done.
do_step() {
  noted=$DIR/boot
  if [ -f "$noted" ] && [ "$(cat "$noted")" != "$(boot_id)" ]; then
    say "the node booted since"
    return 0
  fi
  boot_id >"$noted"
  sync
  say "rebooting"
  systemd-run --unit=ringward-reboot --collect --quiet --on-active=2 systemctl reboot ||
    fail 1 "RebootFailed: the node's systemd did not take the reboot"
}
