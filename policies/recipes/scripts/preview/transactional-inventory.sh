# openSUSE MicroOS and its kin: what runs now, what zypper would update, and whether another snapshot waits for a boot.
SCHEME=rpm

is_newer() { [ "$(zypper --terse versioncmp "$1" "$2" | tail -n 1)" = 1 ]; }

list_installed() { rpm -qa --qf '%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n' | grep -v '^gpg-pubkey ' | sort | grep .; }

list_offered() {
  zypper --non-interactive --no-refresh --xmlout list-updates
  offered_code=$?
  case $offered_code in 0 | 10[0-3]) ;; *) return "$offered_code" ;; esac
}

pick_offered() {
  sed 's/<update /\n&/g' | sed -n 's/^<update kind="package" name="\([^"]*\)" edition="\([^"]*\)".*/\1 \2/p' | sort -u
}

reboot_causes() {
  [ ! -e /run/reboot-needed ] || echo /run/reboot-needed
  waiting=$(waiting_root) || return 1
  [ -z "$waiting" ] || echo "snapshot $waiting"
}
