// Command once does not reach main: a sync.Once in a variable initialiser calls itself.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/once/dep" // hangs

func main() { println("main was here") }
