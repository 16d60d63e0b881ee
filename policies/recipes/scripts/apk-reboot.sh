# Restarts a node without systemd, once for each attempt: with another boot id than the one that was written down it is done.
do_step() {
  noted=$DIR/boot
  if [ -f "$noted" ] && [ "$(cat "$noted")" != "$(boot_id)" ]; then
    say "the node booted since"
    return 0
  fi
  boot_id >"$noted"
  sync
  say "rebooting"
  reboot || fail 1 "RebootFailed: the node's init did not take the reboot"
}
