# Tells how `question` ends, and in base64 what it writes to its standard output and error. $1: index.
answer() {
  exec 3>&1
  printf 'told\t%s\t' "$1"
  words=$({
    output=$(question 3>&-)
    printf '%s\t%s\t' "$?" "$(printf '%s' "$output" | base64 | tr -d '\n')" >&3
  } 2>&1 | base64 | tr -d '\n')
  printf '%s\n' "$words"
  count=$((count + 1))
}
