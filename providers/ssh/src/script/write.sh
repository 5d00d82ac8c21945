wanted() {
  [ "$kind" = file ] && [ "$sum" = "$want" ] && [ "$is_mode" = "$mode" ] || return 1
  [ -z "$owner" ] || [ "$owner" = "$is_user" ] || [ "$owner" = "$is_uid" ] || return 1
  [ -z "$group" ] || [ "$group" = "$is_group" ] || [ "$group" = "$is_gid" ] || return 1
}
done_as() {
  inspect
  wanted || fail lost
  # An earlier attempt, whose answer was lost, may have armed it.
  if [ "$confirm_seconds" != 0 ] && [ -z "$armed" ] && find_way && [ -f "$way/armed" ]; then say armed 0; fi
  say done 0 "$1" "$kept"
  finish
}
# Puts what is there aside, once, for the way back.
keep() {
  kept=
  [ "$keep" != no ] || return 0
  aside
  if [ "$keep" = if_missing ] && [ -f "$before/what" ]; then
    read -r kept rest <"$before/what"
    return 0
  fi
  mkdir -p -- "$before" || fail aside
  if [ "$kind" = absent ]; then
    kept=absent what=absent
  elif [ "$size" -gt "$content_limit" ]; then
    kept=too_large what=too_large
  else
    kept=kept what="kept $is_mode $is_uid $is_gid"
    cp -- "$real" "$before/content.new" && mv -f -- "$before/content.new" "$before/content" || fail aside
  fi
  printf '%s\n' "$what" >"$before/what.new" && mv -f -- "$before/what.new" "$before/what" || fail aside
}
# Nothing is left to do if an earlier attempt, whose answer was lost, has done it.
settle() {
  if [ "$guard" != exact ] && wanted; then
    [ "$keep" = no ] || keep
    done_as already
  fi
}
resolve
inspect
kept=
settle
prove
if [ ! -d "$folder" ]; then
  [ "$parents" = 1 ] || fail folder
  (umask 022 && mkdir -p -- "$folder") || fail folder
fi
keep
if [ "$kind" = file ] && [ "$sum" = "$want" ]; then
  arm_file
  give "$real" "$owner" "$group"
  chmod -- "$mode" "$real" || fail write
  done_as attributes
fi
reserve
in_place=0
was=$kind
if [ "$was" = file ]; then
  # Keeps the label, the access list and the extended attributes.
  cp -a -- "$real" "$temporary" || fail write
fi
chmod 0600 -- "$temporary" && content >"$temporary" || fail write
# The end of it may be missing: what is not whole never takes a file's place.
arrived=$(sha256sum <"$temporary") && [ "${arrived%% *}" = "$want" ] || fail write
if [ "$was" = file ]; then
  # Who may not give the file back to its owner writes into it instead.
  chown -- "$is_uid:$is_gid" "$temporary" 2>/dev/null || in_place=1
fi
if [ "$in_place" = 0 ]; then
  give "$temporary" "$owner" "$group"
  chmod -- "$mode" "$temporary" || fail write
fi
inspect
settle
prove
arm_file
replace
if [ "$how" = in_place ]; then
  give "$real" "$owner" "$group"
  [ "$is_mode" = "$mode" ] || chmod -- "$mode" "$real" || fail write
fi
done_as "$how"
