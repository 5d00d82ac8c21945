problem= armed=
seen=$(see 1)
printf '%s\n' "$seen"
count=$((count + $(printf '%s\n' "$seen" | wc -l)))
case $version in
  '') ;;
  absent)
    case $seen in
      absent*) ;;
      *) fail changed ;;
    esac
    ;;
  *)
    # What is told by the way is not proven.
    now=$(printf '%s\n' "$seen" | sed '/^also/d' | sha256sum)
    [ "${now%% *}" = "$version" ] || fail changed
    ;;
esac
act >&2
acted=$?
[ -z "$armed" ] || say armed 0
[ "$acted" = 0 ] || fail ${problem:-failed}
see 0
