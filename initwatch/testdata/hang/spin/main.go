// Command spin does not reach main: an init spins.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/spin/dep" // hangs

func main() { println("main was here") }
