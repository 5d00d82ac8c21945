a = <<EOT
  text   stays   as=it
is
   EOT
b=1
c = <<-EOT
    # not a comment
  ${  d }
    %{ if   x   }
  y
    %{ endif }
  EOT
dd = 2
e = f(<<A
  one { [ (
A
, <<B
  two
B
)
f = [<<X
1
X
,
2]
g = {
h = <<-EOT
      deep
    EOT
i=1
    j = <<EOT
EOT
kk=2
}
l = <<EOT
$${no} %%{no}
${"quoted ${ nested }"}
${ <<IN
inner
IN
}
EOT
m = <<EOT
EOTX
EOT
n = <<-EOT
  ${join(
     ",",   xs)} foo
  EOT
oo=3
