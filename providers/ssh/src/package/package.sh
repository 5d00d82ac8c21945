# Finds what the host manages packages with: $manager.
find_manager() {
  manager=none
  for tool in apt-get dnf yum apk; do
    if command -v "$tool" >/dev/null; then
      manager=$tool
      return 0
    fi
  done
}
# The installed version of the package $1; nothing if it is not installed.
installed() {
  case $manager in
    apt-get)
      entry=$(dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p')
      ;;
    dnf | yum) entry=$(rpm -q --qf '%{EVR}\n' "$1" 2>/dev/null) || entry= ;;
    apk)
      entry=$(NAME=$1 awk -F : '
        $1 == "P" { hit = $2 == ENVIRON["NAME"] }
        $1 == "V" && hit { print $2 }
      ' /lib/apk/db/installed)
      ;;
    *) entry= ;;
  esac
  # There may be more than one, such as of kernels: the last one counts.
  printf '%s' "${entry##*
}"
}
# Tells what is installed of a package. $1: index, $2: name.
see_package() {
  find_manager
  version_there=$(installed "$2")
  if [ "$manager" = none ]; then
    say unmanaged "$1"
  elif [ -n "$version_there" ]; then
    say package "$1" "$version_there"
  else
    say absent "$1"
  fi
}
apt() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
# $1: name, $2: version, which may end in a star, or nothing.
make_package() {
  find_manager
  there=$(installed "$1")
  if [ -n "$there" ]; then
    # What fits is not brought up to date by the way.
    case $there in
      ${2:-*}) return 0 ;;
    esac
  fi
  case $manager in
    apt-get)
      set -- "$1${2:+=$2}" ${2:+--allow-downgrades}
      # Lists that are too old, or were never fetched, are fetched then.
      apt install "$@" || { apt update && apt install "$@"; }
      ;;
    dnf | yum)
      "$manager" -y install "$1${2:+-$2}"
      code=$?
      [ -n "$2" ] || return "$code"
      # An older one than is there is not taken for an installation everywhere, nor for a failure.
      case $(installed "$1") in
        $2) return "$code" ;;
      esac
      "$manager" -y downgrade "$1-$2"
      ;;
    apk)
      # What a version begins with has to be one itself.
      begin=${2%'*'}
      begin=${begin%-r}
      begin=${begin%[.-]}
      case $2 in
        '') apk add --wait 300 "$1" ;;
        *'*') apk add --wait 300 "$1=~$begin" ;;
        *) apk add --wait 300 "$1=$2" ;;
      esac
      ;;
  esac
}
# $1: name. What others need stays.
unmake_package() {
  find_manager
  [ -n "$(installed "$1")" ] || return 0
  case $manager in
    apt-get)
      if [ "$(apt-get -s remove "$1" | grep -c '^Remv ')" -gt 1 ]; then
        problem=needed
        return 1
      fi
      apt remove "$1" || return 1
      ;;
    dnf | yum) rpm -e "$1" ;;
    apk) apk del --wait 300 "$1" ;;
  esac
  [ -n "$(installed "$1")" ] || return 0
  problem=needed
  return 1
}
