resource   "a"    "b"   {
}
resource a b {
x=1
}
resource "a" b {}
resource "a" "b" { }
resource "a" "b" { x = 1 }
resource "a" "b" {x=1}
resource foo-bar baz_2 { x = { y = 1 } }
variable a {
type = list
}
variable "b" {
type = "string"
}
variable "c" { type = "list" }
variable "d" {
type="map"
  default = {}
}
variable "e" {
  type = map
}
variable "f" {
  type = set
}
variable "g" {
  type = object({ a=string, b=optional( number,1 ) })
}
variable "h" {
  type = "number"
}
variable "i" {
  type = any
  nested {
    type = list
  }
}
variables "j" {
  type = list
}
output "k" {
  type = "list"
}
type = list
a {


  b = 1


  c {
  }



  d = 2

}




e {
# only a comment
}
f { # comment at the opening
  g = 1
} # comment at the end
/* block
     comment
       stays */
  /* indented
     block comment */
h {
      /* inside
    it */
  i = 1
}
	tabs {
		one = 1
		two	=	2
	}
trailing = 1   
   
last {
}


