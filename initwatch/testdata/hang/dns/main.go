// Command dns does not reach main: an init resolves a name, and the resolver is dead.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/dns/dep" // hangs

func main() { println("main was here") }
