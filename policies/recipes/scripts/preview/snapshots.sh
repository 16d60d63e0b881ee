# Root of the snapshot that the next boot takes; nothing where that is the running one. What cannot be told is an error.
waiting_root() {
  default=$(btrfs subvolume get-default / | sed -n 's/^ID \([0-9]*\) .* path \(.*\)$/\2/p' | sed 's|^@/||')
  running=$(findmnt -n -o FSROOT / | sed 's|^/||; s|^@/||')
  if [ -z "$default" ] || [ -z "$running" ]; then fail 1 "RebootNeedUnknown: btrfs does not tell which snapshot the next boot takes"; fi
  [ "$default" = "$running" ] || echo "/$default"
}
