a = 1+2*3/4%5-6
b = -1
c = - 1
d = a-1
e = a -1
f = a - -1
g = !a
h = ! a&&!b||c
i = a==b
j = a!=b
k = a<b&&b>c&&c<=d&&d>=e
l = a?b:c
m = a?-1:-2
n = (-1)
o = [-1,-a]
p = {a=-1,b=- 2}
q = a==-1
r = a&&-b
s = {for k,v in x:k=>-v}
t = [for x in y:x if -x>1]
u = f(-1)
v = a[-1]
w = a[b-1]
x = 1e10+1E-5+0.5
y = a-b
z = a - b
aa = (a)-(b)
bb = [a]-1
cc = "${-a} ${ - a } ${1-1}"
dd = a ? b ? c : d : e
ee = null
ff = true&&false
gg = 5 [0]
