a = "${b}"
c = "${ b }"
d = "${b}${c}"
e = " ${b}"
f = "${b} "
g = "${~ b ~}"
h = "${"inner"}"
i = "${"in ${b} ner"}"
j = "${"a"}${"b"}"
k = "${f("${g}")}"
l = ["${b}"]
m = { x = "${b}" }
n = f("${b}")
o = "$${b}"
p = "%%{b}"
q = "%{ if x }a%{ else }b%{ endif }"
r = "%{for x in xs}${ x }%{endfor}"
s = "${ { a = 1 } }"
t = "x ${ {a=1} } y"
u = "${[for x in xs : x]}"
v = "${a ? b : c}"
w = "a\"b${ c }\\"
x = "${b}" # comment
y = "${b}" /* comment */
block "label" {
  z = "${b}"
  nested { inner = "${c}" }
  other {
    deep = "${d.e[0]}"
  }
}
aa = "${(a)}"
bb = "${a}" == "b"
cc = ("${a}")
dd = !"${a}"
ee = "  spaces   stay  ${ a }  "
ff = "tab	stays ${	a	}"
gg = "${ a   }-${b+1}"
