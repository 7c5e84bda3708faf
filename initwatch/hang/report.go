package hang

// Text is the hang for people, in lines that are indented by two. Details are what is known of the
// cause beyond the dump, such as an address or a path.
func (h *Hang) Text(details ...string) string {
	kind := "init function"
	if h.Init.Initialiser() {
		kind = "variable initialiser"
	}
	text := []byte("  package   " + h.Init.Package() + "\n" +
		"  in        " + h.Init.Name() + " (" + kind + ")\n" +
		"  at        " + known(h.Init.At()) + "\n" +
		"  waits for " + h.Cause.Means() + " (" + h.how() + ")\n")
	for _, d := range details {
		text = append(text, "            "+d+"\n"...)
	}
	text = append(text, "  cure      "+h.Cause.Cure()+"\n"+
		"  calls of your code, the innermost first:\n"...)
	for _, f := range h.Chain {
		text = append(text, call(f)...)
	}
	if len(h.Started) > 0 {
		text = append(text, "  goroutines that inits started and that still run:\n"...)
	}
	for _, s := range h.Started {
		text = append(text, "    goroutine "+decimal(s.ID)+" ["+s.State+"], started at "+known(s.By.At())+"\n"...)
		if s.At.Function != "" {
			text = append(text, "        in "+s.At.Function+", "+known(s.At.At())+"\n"...)
		}
	}
	return string(text)
}

// how is the wait itself.
func (h *Hang) how() string {
	state := h.State
	if state == "syscall" && h.Cause == Cgo {
		state = "C"
	}
	return state
}

func call(f Frame) string { return "    " + f.Function + "\n        " + known(f.At()) + "\n" }

func known(at string) string {
	if at == "" {
		return "a place that is not known"
	}
	return at
}
