# Finds where the keys of the user $1 lie: $folder, $file, $uid, $gid.
find_keys() {
  entry=$(lookup passwd "$1") || return 1
  IFS=: read -r name secret uid gid comment home shell <<END
$entry
END
  folder=$home/.ssh file=$home/.ssh/authorized_keys
}
# Tells which lines hold a key. $1: index, $2: user, $3: the key's base64.
see_key() {
  if ! find_keys "$2"; then
    say absent "$1" user
    return 0
  fi
  found=0
  if [ -r "$file" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      case " $line " in
        *" $3 "*) ;;
        *) continue ;;
      esac
      found=1
      say key "$1" "$(printf '%s' "$line" | base64 | tr -d '\n')"
    done <"$file"
  fi
  if [ "$found" = 0 ]; then
    say absent "$1"
  else
    say access "$1" "$(stat -L -c '%a %u' -- "$folder")" "$(stat -L -c '%a %u' -- "$file")" "$uid"
  fi
}
# Writes the file anew without the lines that hold the key $1, the first of which becomes $2, or with that at the end; $2 may be empty.
rewrite_keys() {
  left=$2
  [ ! -f "$file" ] || while IFS= read -r line || [ -n "$line" ]; do
    case " $line " in
      *" $1 "*)
        [ -z "$left" ] || printf '%s\n' "$left"
        left=
        ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <"$file"
  [ -z "$left" ] || printf '%s\n' "$left"
}
# Puts the line $line for the key $key of $user there, or takes it away if $line is empty.
put_key() {
  find_keys "$user" || { problem=user && return 1; }
  if [ -z "$line" ]; then
    [ -f "$file" ] || return 0
  fi
  wanted=$line
  if [ ! -d "$folder" ]; then
    [ -d "$home" ] || { problem=home && return 1; }
    mkdir -m 0700 -- "$folder" || return 1
  fi
  own "$folder" 700 || return 1
  changed=$folder/.meshform-$nonce
  trap 'rm -f -- "$changed"' EXIT
  (set -C && rewrite_keys "$key" "$wanted" >"$changed") || return 1
  own "$changed" 600 && mv -f -- "$changed" "$file" && sync
}
# Gives $1 to the user, with the permissions $2.
own() {
  owners=$(stat -L -c '%u:%g' -- "$1")
  [ "$owners" = "$uid:$gid" ] || chown -- "$uid:$gid" "$1" || return 1
  chmod -- "$2" "$1"
}
