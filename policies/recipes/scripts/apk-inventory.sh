# Alpine: what apk has, what it would upgrade by the index that the node has, and whether a reboot is due. PREVIEW.
SCHEME=apk

apk_version() { printf '%s\n' "$1" | sed 's/^\([0-9.]*\)-\([0-9]*\)-[a-z]*$/\1-r\2/'; }

is_newer() { [ "$(apk version -t "$(apk_version "$1")" "$(apk_version "$2")")" = '>' ]; }

split_names() { sed -n 's/^\([^ ]*\)-\([0-9][^- ]*-r[0-9]*\)\( .*\)*$/\1 \2/p'; }

list_installed() { apk list -I 2>/dev/null | split_names | sort | grep .; }

list_offered() { apk list -u 2>&1; }

pick_offered() { grep 'upgradable from' | split_names | sort -u; }

kernels() {
  for modules in /lib/modules/*; do
    release=${modules##*/}
    if [ -e "/boot/vmlinuz-$(flavour "$release")" ]; then echo "$release"; fi
  done
}

# apk keeps no time of installation, but a file that it wrote has one: what everything runs on, written since the boot.
reboot_causes() {
  newer_kernel
  boot=$(booted_at) || return 1
  for file in /lib/ld-musl-*.so.1 /sbin/openrc /bin/busybox; do
    [ -e "$file" ] || continue
    if [ "$(stat -c %Z "$file")" -gt "$boot" ]; then echo "$file"; fi
  done
}
