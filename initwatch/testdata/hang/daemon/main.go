// Command daemon does not reach main: an init starts a program in a session of its own, and waits for ever.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/daemon/dep" // hangs

func main() { println("main was here") }
