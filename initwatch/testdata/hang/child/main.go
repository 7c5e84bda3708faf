// Command child does not reach main: an init runs a program that does not end.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/child/dep" // hangs

func main() { println("main was here") }
