a = [ 1,2 , 3 ]
b = [1,
2,
  3]
c = {a=1,b=2}
d = { }
e = {
}
f = [ ]
g = [
]
h = f( )
i = f( 1 , 2 )
j = f(
1,
      2
    )
k = f(g({
a = 1
}), [
  2
])
l = [{
a = 1
b=2
}, {
c = 3
}]
m = [[[
1
]]]
n = ( 1 )
o = (
1 +
2
)
p = ns::f( 1 )
q = f( xs ... )
r = xs [ 0 ] . a [ "b" ] . c
s = xs [ * ] . a . b
t = xs . * . a
u = { for k , v in xs:k=>v... if k!="" }
v = [for x in[1,2]:x]
w = [
for x in xs :
x.a
if x.b
]
x = {
for k, v in xs :
"${k}" => v
}
y = f(xs)[0]
z = { a = { b = { c = [1 , {d=2}] } } }
aa = (xs)[0]
bb = {
"k" : 1,
k : 2
(k) : 3
}
cc {
dd {
ee {
ff = {
gg = [
hh(
1
)
]
}
}
}
}
ii = [ {
} , {
} ]
