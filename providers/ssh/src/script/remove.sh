forget() {
  aside
  rm -rf -- "$before"
  # The folders go with the last of them.
  rmdir -- "${before%/*}" "${before%/pre/*}" 2>/dev/null
  say done 0 "$1"
  finish
}
resolve
inspect
[ "$policy" != keep ] || forget kept
aside
if [ "$policy" = remove ] || { [ "$policy" = restore ] && [ "$was" = absent ]; }; then
  [ "$kind" != absent ] || forget gone
  prove
  arm_file
  rm -f -- "$real" || fail write
  sync -- "$folder" 2>/dev/null || sync
  forget removed
fi
if [ ! -f "$before/what" ]; then
  # Nothing was ever put aside for a file that was taken over as it was.
  [ -n "$was" ] || forget kept
  fail aside
fi
read -r what mode owner group <"$before/what"
case $what in
  absent)
    [ "$kind" != absent ] || forget gone
    prove
    arm_file
    rm -f -- "$real" || fail write
    forget removed
    ;;
  too_large) forget kept ;;
  kept) ;;
  *) fail aside ;;
esac
prove
[ -d "$folder" ] || fail folder
reserve
in_place=0
if [ "$kind" = file ]; then
  # Keeps the label, the access list and the extended attributes.
  cp -a -- "$real" "$temporary" || fail write
fi
chmod 0600 -- "$temporary" && cat -- "$before/content" >"$temporary" || fail write
chown -- "$owner:$group" "$temporary" 2>/dev/null || in_place=1
[ "$in_place" = 1 ] || chmod -- "$mode" "$temporary" || fail write
inspect
prove
arm_file
replace
if [ "$how" = in_place ]; then
  [ "$is_uid:$is_gid" = "$owner:$group" ] || chown -- "$owner:$group" "$real" || fail owner "$owner"
  [ "$is_mode" = "$mode" ] || chmod -- "$mode" "$real" || fail write
fi
forget restored
