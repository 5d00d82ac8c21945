# Finds what the host runs containers with: $engine. $1: which one, if that is said.
find_engine() {
  engine=$1
  if [ -z "$engine" ]; then
    for tool in docker podman; do
      if command -v "$tool" >/dev/null; then
        engine=$tool
        break
      fi
    done
  fi
  [ -n "$engine" ] && command -v "$engine" >/dev/null
}
# What a template makes of the container $1; nothing if it is not there.
of_container() {
  "$engine" container inspect -f "$2" "$1" 2>/dev/null
}
exists() {
  of_container "$1" x >/dev/null
}
# Tells what a container is. $1: index, $2: its name, $3: engine, $4: the image that is wanted.
see_container() {
  if ! find_engine "$3"; then
    # One may be installed before it is needed.
    say absent "$1"
    return 0
  fi
  facts=$(of_container "$2" '{{.Id}}	{{.State.Status}}	{{.HostConfig.RestartPolicy.Name}}	{{.Image}}')
  if [ -z "$facts" ]; then
    if "$engine" ps -q >/dev/null; then say absent "$1"; else say unreachable "$1" "$engine"; fi
    return 0
  fi
  image=none
  if [ -n "$4" ]; then image=$("$engine" image inspect -f '{{.Id}}' "$4" 2>/dev/null) || image=none; fi
  say container "$1" "$facts" "$image"
  say also_container "$1" "$("$engine" container inspect "$2" | base64 | tr -d '\n')"
  say also_image "$1" "$("$engine" image inspect "${facts##*	}" 2>/dev/null | base64 | tr -d '\n')"
  if exists "$2-meshform-old"; then say left "$1"; fi
}
# $1: name, $2: engine, $3: image, $4: the hash of what is wanted, $5: its restart policy, $6: running or stopped,
# $7: whether its log may be shown. `create` creates it by that name with the variables in the file $variables_file, and `variables` prints those.
make_container() {
  find_engine "$2" || { problem=engine && return 1; }
  old=$1-meshform-old
  "$engine" image inspect "$3" >/dev/null 2>&1 || "$engine" pull "$3" || { problem=pull && return 1; }
  settle_earlier "$1" || return 1
  if ! is_current "$1" "$3" "$4" "$5"; then
    replace "$1" "$6" "$7"
    return
  fi
  is=$(of_container "$1" '{{.State.Status}}')
  if [ "$6" = stopped ] && [ "$is" = running ]; then
    "$engine" stop "$1" >/dev/null || { problem=stop && return 1; }
  elif [ "$6" = running ] && [ "$is" != running ]; then
    launch "$1" "$7" || { problem=start && return 1; }
  fi
}
# Where an earlier replacement was cut off, what was there before it comes back.
settle_earlier() {
  exists "$old" || return 0
  if exists "$1"; then "$engine" rm -f -v "$1" >/dev/null || return 1; fi
  "$engine" rename "$old" "$1"
}
# Whether the container $1 was made of the image $2 by the settings whose hash is $3, and still has the restart policy $4.
is_current() {
  [ "$(of_container "$1" '{{index .Config.Labels "meshform.hash"}} {{.Image}} {{.HostConfig.RestartPolicy.Name}}')" = \
    "$3 $("$engine" image inspect -f '{{.Id}}' "$2") $4" ]
}
# Makes the container $1 anew, running or not by $2. The former one is put aside, and comes back if the new one does not run.
replace() {
  was=$(of_container "$1" '{{.State.Status}}')
  problem=create
  if [ -n "$was" ]; then "$engine" rename "$1" "$old" || return 1; fi
  if create_privately && hand_over "$@"; then
    problem=remove
    [ -z "$was" ] || "$engine" rm -f "$old" >/dev/null
    return
  fi
  "$engine" rm -f -v "$1" >/dev/null 2>&1
  [ -n "$was" ] || return 1
  if "$engine" rename "$old" "$1" && { [ "$was" != running ] || "$engine" start "$1" >/dev/null; }; then
    problem=${problem}_undone
  else
    problem=lost
  fi
  return 1
}
# Variables go in by a file that only we can read, and that is gone right after.
create_privately() {
  variables_file=/run/meshform-$nonce
  trap 'rm -f -- "$variables_file"' EXIT
  (set -C && : >"$variables_file") && variables >"$variables_file" && create >/dev/null
  created=$?
  rm -f -- "$variables_file"
  return "$created"
}
# Two containers cannot have one port: the old one stops before the new one starts.
hand_over() {
  [ "$2" = running ] || return 0
  problem=start
  if [ "$was" = running ]; then "$engine" stop "$old" >/dev/null || return 1; fi
  launch "$1" "$3"
}
# Starts the container $1, and sees whether it goes on to run, and is well if it can tell.
launch() {
  before=$(of_container "$1" '{{.RestartCount}}')
  "$engine" start "$1" >/dev/null || return 1
  for second in 1 2 3; do
    sleep 1
    is=$(of_container "$1" '{{.State.Status}} {{.RestartCount}}')
    if [ "${is% *}" != running ] || [ "${is#* }" -gt "${before:-0}" ]; then
      tell "$1" "$2"
      return 1
    fi
  done
  second=0
  while [ "$second" -lt 120 ]; do
    case $(of_container "$1" '{{.State.Health.Status}}') in
      starting) sleep 1 ;;
      unhealthy) break ;;
      *) return 0 ;;
    esac
    second=$((second + 1))
  done
  tell "$1" "$2"
  return 1
}
# Says how the container $1 is, and what it wrote last if that may be shown.
tell() {
  of_container "$1" 'the new container is {{.State.Status}}, exit code {{.State.ExitCode}} {{.State.Error}}'
  if [ "$2" = 1 ]; then "$engine" logs --tail 12 "$1" 2>&1; fi
}
# $1: name, $2: engine.
unmake_container() {
  find_engine "$2" || { problem=engine && return 1; }
  for one in "$1" "$1-meshform-old"; do
    if exists "$one"; then
      "$engine" stop "$one" >/dev/null 2>&1
      "$engine" rm -f "$one" >/dev/null || { problem=remove && return 1; }
    fi
  done
}
