// Command blackhole does not reach main: an init connects to an address from which nothing comes back.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/blackhole/dep" // hangs

func main() { println("main was here") }
