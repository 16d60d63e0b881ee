case ${RINGWARD_PLACE-container} in
container) enter_host "$@" ;;
host) follow "$@" ;;
unit) work "$1" ;;
esac
