// Command hiddensignal does not reach main: signal.Notify hides a deadlock from the runtime.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/hiddensignal/dep" // hangs

func main() { println("main was here") }
