# What rpm has installed, and whether a reboot is due: shared by the inventories of dnf and zypper.
SCHEME=rpm

# dnf and zypper cannot look without locks and logs. The node's root is read-only, the container's /dev/shm is not: it is found by
# the number of this process, because not all that they start inherits what is open.
find_scratch() {
  read -r process _ </proc/self/stat
  SCRATCH=/proc/$process/fd/5
}

list_installed() {
  rpm -qa --qf "%{NAME} $EVR\n" | grep -v '^gpg-pubkey ' | sort | grep .
}

# What everything runs on, and what says of itself that it wants a boot.
reboot_causes() {
  for file in /run/reboot-required /run/reboot-needed; do [ ! -e "$file" ] || echo "$file"; done
  newer_kernel
  boot=$(booted_at) || return 1
  {
    rpm -q --qf '%{INSTALLTIME} %{NAME}\n' "kernel-core-$(uname -r)" glibc linux-firmware systemd udev dbus dbus-1 dbus-broker dbus-daemon microcode_ctl
    rpm -q --qf '%{INSTALLTIME} %{NAME}\n' --whatprovides 'installhint(reboot-needed)'
  } | awk -v boot="$boot" 'NF == 2 && $1 ~ /^[0-9]+$/ && $1 > boot { print $2 }' | sort -u
}
