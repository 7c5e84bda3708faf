package misuse

import "github.com/roster-go/roster"

// What only reads cannot write.
func reading(view roster.View[int]) {
	view.Register("http", 80)           // want `view\.Register undefined \(type roster\.View\[int\] has no field or method Register\)`
	_ = view.TryRegister("http", 80)    // want `view\.TryRegister undefined`
	_ = view.Unregister("http")         // want `view\.Unregister undefined`
	_ = view.Override("http", 80)       // want `view\.Override undefined`
	view.Seal()                         // want `view\.Seal undefined`
	view.Names()[0], view.Len() = "", 0 // want `cannot assign to view\.Len\(\)`
	var text roster.View[string] = view // want `does not implement roster\.View\[string\] \(wrong type for method (All|Get|Lookup)\)`
	_ = text

	only := roster.Only(view, "http")
	only.Register("https", 443)  // want `only\.Register undefined`
	_ = only.Replace("http", 80) // want `only\.Replace undefined`
	_ = roster.Only(view, 80)    // want `cannot use 80 \(untyped int constant\) as string value`

	hot := roster.NewHot[int]()
	pin := hot.Pin()
	pin.Register("http", 80)    // want `pin\.Register undefined`
	_ = pin.Replace("http", 80) // want `pin\.Replace undefined`
	_ = pin.Unregister("http")  // want `pin\.Unregister undefined`
	_ = pin.Reload(nil)         // want `pin\.Reload undefined`
	_ = pin.Update(nil)         // want `pin\.Update undefined`
}
