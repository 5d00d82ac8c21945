//! Heredocs: which indentation `<<-` takes away, and how far markers strip.

use super::check;

#[test]
fn plain_lines() {
    check(&[
        (
            r#"<<-EOT
    a
      b
    c
  EOT"#,
            r#""a\n  b\nc\n""#,
        ),
        (
            r#"<<-EOT
	tab
	  tab2
  EOT"#,
            r#""tab\n  tab2\n""#,
        ),
        (
            r#"<<-EOT
    a
   	mixed
  EOT"#,
            r#""a\nmixed\n""#,
        ),
        (
            r#"<<-EOT
    a $${b} %%{c} \n "q"
  EOT"#,
            r#""a ${b} %{c} \\n \"q\"\n""#,
        ),
        (
            r#"<<EOT
EOT"#,
            r#""""#,
        ),
        (
            r#"<<EOT

EOT"#,
            r#""\n""#,
        ),
        (
            r#"<<-EOT
      a
     
        b
  EOT"#,
            r#""a\n     \n  b\n""#,
        ),
        (
            r#"<<-EOT
      a
  
        b
  EOT"#,
            r#""a\n  \n  b\n""#,
        ),
    ]);
}

#[test]
fn interpolations() {
    check(&[
        (
            r#"<<-EOT
      ${1}
    a

      b
  EOT"#,
            r#""  1\na\n\n  b\n""#,
        ),
        (
            r#"<<-EOT
    ${"multi\n  line"}
    x
  EOT"#,
            r#""multi\n  line\nx\n""#,
        ),
        (
            r#"<<-EOT
      ${~ "x" ~}
    y
      z
  EOT"#,
            r#""x    y\n      z\n""#,
        ),
        (
            r#"<<-EOT
    {
      "a": "${"b"}",
        ${"c"}: 1
    }
    EOT"#,
            r#""{\n  \"a\": \"b\",\n    c: 1\n}\n""#,
        ),
        (
            r#"<<EOT
a ${~ "x" ~}
  b ${~ "y" }
EOT"#,
            r#""ax  by\n""#,
        ),
        (
            r#"<<-EOT
    ${"a"}  ${"b"}
      c
  EOT"#,
            r#""a  b\n  c\n""#,
        ),
        (
            r#"<<-EOT
    ${"only"}
EOT"#,
            r#""only\n""#,
        ),
        (
            r#"<<EOT
A
  ${ "x" ~}
   ${~ "y" ~}
    is
EOT"#,
            r#""A\n  xy    is\n""#,
        ),
        (
            r#"<<EOT
A
  ${ "x" ~}

   ${~ "y" ~}

    is
EOT"#,
            r#""A\n  x\ny\n    is\n""#,
        ),
        (
            r#"<<EOT
A
  ${ "x" ~}  q
   ${~ "y" ~}  
    is
EOT"#,
            r#""A\n  xq\ny    is\n""#,
        ),
        (
            r#"<<-EOT
    A
    ${ "x" ~}
    B
    EOT"#,
            r#""A\nx    B\n""#,
        ),
        (
            r#"<<-EOT
    A
    ${ "x" ~}
      ${"y"}
    B
    EOT"#,
            r#""A\nx      y\nB\n""#,
        ),
        (
            r#"<<-EOT
    A
    ${ "x" ~}
    ${~ "y" }
    is
    EOT"#,
            r#""A\nxy\nis\n""#,
        ),
        (
            r#"<<-EOT
      A
    ${"q"~}
        B
      C
    EOT"#,
            r#""  A\nq        B\n  C\n""#,
        ),
        (
            r#"<<-EOT
      A
    ${"q"~}

        B
      C
    EOT"#,
            r#""  A\nq\n    B\n  C\n""#,
        ),
        (
            r#"<<-EOT
    ${"q"~}
        B
      C
    EOT"#,
            r#""q        B\n  C\n""#,
        ),
        (
            r#"<<-EOT
       ${~"q"}
        B
      C
    EOT"#,
            r#""q\n        B\n      C\n""#,
        ),
        (
            r#"<<-EOT
    A  
   ${~"q"}
        B
      C
    EOT"#,
            r#""    A  \nq\n        B\n      C\n""#,
        ),
    ]);
}

#[test]
fn directives() {
    check(&[
        (
            r#"<<-EOT
    a
    %{~ for v in ["x", "y"] ~}
      - ${v}
    %{~ endfor ~}
    b
  EOT"#,
            r#""    a\n      - x\n      - y\n    b\n""#,
        ),
        (
            r#"<<-EOT
    a
    %{ for v in ["x", "y"] ~}
      - ${v}
    %{ endfor ~}
    b
  EOT"#,
            r#""a\n      - x\n      - y\n    b\n""#,
        ),
        (
            r#"<<-EOT
    a
    %{ for v in ["x", "y"] }
    - ${v}
    %{ endfor }
    b
  EOT"#,
            r#""a\n\n- x\n\n- y\n\nb\n""#,
        ),
        (
            r#"<<EOT
  a
    %{~ if true ~}
    yes
    %{~ else ~}
    no
    %{~ endif ~}
  b
EOT"#,
            r#""  a\n    yes\n  b\n""#,
        ),
        (
            r#"<<-EOT
    %{ if true }
  x
    %{ endif }
    y
  EOT"#,
            r#""  \nx\n  \n  y\n""#,
        ),
        (
            r#"<<-EOT
    a %{ if true ~}

        b
    %{~ endif }
    c
  EOT"#,
            r#""    a \n        b\n\n    c\n""#,
        ),
        (
            r#"<<-EOT
    a
    %{ for v in ["x", "y"] ~}
    %{ if v == "x" ~}
    is x
    %{ else ~}
      not x
    %{ endif ~}
    %{ endfor ~}
  EOT"#,
            r#""a\n        is x\n              not x\n    ""#,
        ),
        (
            r#"<<-EOT
    %{ if false }a%{ endif }${"q"}
      b
  EOT"#,
            r#""q\n  b\n""#,
        ),
        (
            r#"<<-EOT
        deep
    %{ if true }  x%{ endif }
  EOT"#,
            r#""    deep\n  x\n""#,
        ),
        (
            r#"<<EOT
A
  %{ if true ~}
   %{~ if true ~}
    is
     %{ endif ~}
      %{ endif ~}
       Z
EOT"#,
            r#""A\n      is\n                  Z\n""#,
        ),
        (
            r#"<<EOT
A
  %{ if true ~}
   ${~ "x" ~}
    is
     %{ endif ~}
       Z
EOT"#,
            r#""A\n  x    is\n            Z\n""#,
        ),
        (
            r#"<<EOT
A
  %{ for v in ["x", "y"] ~}
   %{~ if v == "x" ~}
    is
     %{ else ~}
      not
       %{ endif ~}
        %{ endfor ~}
EOT"#,
            r#""A\n      is\n                   not\n               ""#,
        ),
        (
            r#"<<-EOT
    A
    %{ if true ~}
    %{~ if true ~}
    is
    %{ endif ~}
    %{ endif ~}
    Z
    EOT"#,
            r#""A\n    is\n        Z\n""#,
        ),
        (
            r#"<<-EOT
    A
    %{ if true ~}
    ${~ "x" ~}
    is
    %{ endif ~}
    Z
    EOT"#,
            r#""A\nx    is\n    Z\n""#,
        ),
        (
            r#"<<-EOT
    A
    %{ if true ~}
      ${~ "x" }
    is
    %{ endif ~}
    EOT"#,
            r#""A\nx\nis\n""#,
        ),
        (
            r#"<<-EOT
    A
    %{ for v in ["x", "y"] ~}
    %{~ if v == "x" ~}
    is
    %{ endif ~}
    %{ endfor ~}
    EOT"#,
            r#""A\n    is\n        ""#,
        ),
        (
            r#"<<-EOT
    a
    %{ for v in ["x", "y"] ~}
    %{~ if v == "x" ~}
    is x
    %{ else ~}
      not x
    %{ endif ~}
    %{ endfor ~}
  EOT"#,
            r#""a\n    is x\n          not x\n    ""#,
        ),
        (
            r#"<<-EOT
    a
    %{ for v in ["x", "y"] ~}
    %{~ if v == "x" ~}
    is x
    %{ else ~}
    not x
    %{ endif ~}
    %{ endfor ~}
  EOT"#,
            r#""a\n    is x\n        not x\n    ""#,
        ),
        (
            r#"<<-EOT
    a
    %{ for v in ["x", "y"] ~}
    %{~ if v == "x" ~}
    is x
    %{ endif ~}
    %{ endfor ~}
  EOT"#,
            r#""a\n    is x\n        ""#,
        ),
        (
            r#"<<EOT
    a
    %{ for v in ["x", "y"] ~}
    %{~ if v == "x" ~}
    is x
    %{ else ~}
      not x
    %{ endif ~}
    %{ endfor ~}
EOT"#,
            r#""    a\n        is x\n              not x\n        ""#,
        ),
        (
            r#"<<-EOT
    a
    %{ if true ~}
    is x
    %{ else ~}
    not x
    %{ endif ~}
  EOT"#,
            r#""a\n    is x\n""#,
        ),
    ]);
}
