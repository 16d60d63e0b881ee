# Fedora: what rpm has, what dnf5 would upgrade by the metadata that the node has, and what needs-restarting says. PREVIEW.
SCHEME=rpm

is_newer() { [ "$(rpm --eval "%{lua:print(rpm.vercmp('$1', '$2'))}")" = 1 ]; }

list_installed() { rpm -qa --qf '%{NAME} %{EVR}\n' | grep -v '^gpg-pubkey ' | sort | grep .; }

list_offered() { dnf5 -q -C repoquery --upgrades --latest-limit=1 --qf 'offer %{name} %{evr}\n' 2>&1; }

pick_offered() { awk '$1 == "offer" && NF == 3 { sub(/^0:/, "", $3); print $2, $3 }' | sort -u; }

# needs-restarting ends with 1 where a boot is due and with 0 where none is; with anything else nobody knows.
reboot_causes() {
  said=$(dnf5 -q -C needs-restarting 2>&1)
  code=$?
  case $code in
  0) ;;
  1)
    # Other errors end with 1, too: the words are what makes it an answer.
    case $said in
    *"Reboot is required"*) printf '%s\n' "$said" | sed -n 's/^ *\* *//p' | grep . || echo needs-restarting ;;
    *) fail 1 "RebootNeedUnknown: dnf5 needs-restarting: $(printf '%s\n' "$said" | tail -n 1)" ;;
    esac
    ;;
  *) fail 1 "RebootNeedUnknown: dnf5 needs-restarting ended with $code: $(printf '%s\n' "$said" | tail -n 1)" ;;
  esac
  newer_kernel
}
