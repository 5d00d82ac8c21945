if disarm; then
  say confirmed 0
elif [ -d "$way.reverted" ]; then
  rm -rf -- "$way.reverted"
  rmdir -- "${way%/*}" "$kept" 2>/dev/null
  say reverted 0
elif [ -d "$way" ]; then
  say reverting 0
else
  say nothing 0
fi
finish
