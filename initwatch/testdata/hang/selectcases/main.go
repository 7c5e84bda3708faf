// Command selectcases does not reach main: an init selects among channels nobody sends to.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/selectcases/dep" // hangs

func main() { println("main was here") }
