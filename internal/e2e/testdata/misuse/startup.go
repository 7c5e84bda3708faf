package misuse

import "github.com/roster-go/roster"

// Whoever got a value from a startup-only registry may keep it: nothing replaces or
// removes it.
func startup() {
	ports := roster.New[int]()
	_ = ports.Replace("http", 8080)              // want `ports\.Replace undefined \(type \*roster\.Registry\[int\] has no field or method Replace\)`
	_ = ports.Unregister("http")                 // want `ports\.Unregister undefined`
	_ = ports.Reload(map[string]int{"http": 80}) // want `ports\.Reload undefined`
	_ = ports.Update(nil)                        // want `ports\.Update undefined`
	_, _ = ports.Lease("http")                   // want `ports\.Lease undefined`
	ports.Register("http", "80")                 // want `cannot use "80" \(untyped string constant\) as int value in argument to ports\.Register`
	_ = ports.TryRegister("http", 80.5)          // want `cannot use 80\.5 \(untyped float constant\) as int value`
	_ = ports.Override("http", nil)              // want `cannot use nil as int value`
}
