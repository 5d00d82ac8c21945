# Alignment of = and of comments.
locals {
first=1
bbbb   = 2 # two
cc = "three"    // three

d = 4
  long_name_here= {
x = 1
yyy=2 # y
}
e=5
}
keys = {
"quoted"=6 
(computed.key) = 7
f : 8
gggg: 9
hh = 10
}
locals { one = "line" }
locals{ one="line" }   # trailing
locals {
    # own line
  a = 1 /* inline */
  bbb = 2 /* inline */ # and more
  /* before */ c = 3
  d /* after the name */ = 4
  e = /* before the value */ 5
  wide = "漢字かな" # wide letters
  emoji = "👨‍👩‍👧‍👦" # a family is one letter
  combining = "ÅÅ" # two
  x = "" # short
  list = [
    1,   2,# one
    333, 4 , # two
       5  # three
  ]
  y = /* a
       b */ 1 # after
  zz = 2 # z
}
top        = 1
bbbbbbbb=2
c {
  d = 1
}
eeeeeeee = 1 # e
f = 2
# the last line has no end
g = 3         # g
last = 1   # no line end