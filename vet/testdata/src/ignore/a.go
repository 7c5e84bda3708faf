package ignore

import "os"

func init() {
	_, _ = os.ReadFile("a") //roster:ignore initeffects the file is part of the image
	/* want `silences nothing: write //roster:ignore ANALYZER and a reason` */ //roster:ignore initeffects
	_, _ = os.ReadFile("b")
}
