// Command channel does not reach main: an init receives from a channel to which nobody sends.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/channel/dep" // hangs

func main() { println("main was here") }
