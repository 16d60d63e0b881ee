# First where a system has its own of what the shared files define: the later definition counts.
# shellcheck disable=SC2317,SC2329 # so that the earlier one is never run
