case ${RINGWARD_PLACE-container} in
container) enter_host "$@" ;;
host) print_report "$SCHEME" ;;
esac
