package drill

import "time"

// A Report is what a drill found. Its times in milliseconds count from the moment at which the
// region was told to play dead, on the clock of the process that ran the drill.
type Report struct {
	ID          string    `json:"id"`
	Region      string    `json:"region"` // that played dead
	Coordinator string    `json:"coordinator"`
	At          time.Time `json:"at"` // when it began to, by the coordinator's wall clock
	ForMillis   int64     `json:"for_ms"`
	// OK is whether nothing was lost, all have converged, and every exercise succeeded; Verdict
	// says it in a sentence.
	OK      bool   `json:"ok"`
	Verdict string `json:"verdict"`

	// LostCount is how many acknowledged writes are not in every region in the end. Lost says
	// which is missing where, MaxLost of them at most.
	Lost      []Lost `json:"lost"`
	LostCount int    `json:"lost_count"`
	// Acknowledged is how many probe writes were acknowledged, and Stranded how many of them by
	// the region that played dead when it did not replicate any more.
	Acknowledged int `json:"acknowledged"`
	Stranded     int `json:"stranded"`

	Regions []RegionReport `json:"regions"`
	Lag     []LagReport    `json:"lag"`

	// BackMillis is when the region that played dead answered reads and writes again, and
	// ConvergedMillis when all regions were linked and had everything that had been acknowledged
	// by then; -1 if that did not happen.
	BackMillis      int64 `json:"back_ms"`
	ConvergedMillis int64 `json:"converged_ms"`

	Exercises []ExerciseReport `json:"exercises,omitempty"`
	// Cleaned is how many probe records were deleted, and Problems what went wrong besides.
	Cleaned  int      `json:"cleaned"`
	Problems []string `json:"problems,omitempty"`
}

// MaxLost bounds [Report] Lost.
const MaxLost = 100

// Lost is an acknowledged write that a region does not have.
type Lost struct {
	Key   string `json:"key"`
	In    string `json:"in"`
	Found string `json:"found,omitempty"` // another value, if there is one
}

// A RegionReport tells how reads and writes went in one region.
type RegionReport struct {
	Region       string `json:"region"`
	Acknowledged int    `json:"acknowledged"`
	Writes       Access `json:"writes"`
	Reads        Access `json:"reads"`
}

// An Access is requests of one kind.
type Access struct {
	Requests      int      `json:"requests"`
	Failed        int      `json:"failed"`
	SlowestMillis int64    `json:"slowest_ms"` // of those that succeeded
	Outages       []Outage `json:"outages,omitempty"`
}

// An Outage is a time in which no request succeeded: from the sending of the first that failed
// to the answer of the next that did not.
type Outage struct {
	StartMillis    int64  `json:"start_ms"`
	DurationMillis int64  `json:"duration_ms"`
	Requests       int    `json:"requests"`       // that failed
	Error          string `json:"error"`          // of the first
	Open           bool   `json:"open,omitempty"` // it had not ended when the drill had
}

// LagReport tells how far one region was behind another.
type LagReport struct {
	From         string `json:"from"` // where the writes were
	To           string `json:"to"`   // that had not acknowledged them
	BeforeMillis int64  `json:"before_ms"`
	WorstMillis  int64  `json:"worst_ms"`
	AfterMillis  int64  `json:"after_ms"`
	PendingMost  int    `json:"pending_most"` // keys
}

// An ExerciseReport is how an [Exercise] went.
type ExerciseReport struct {
	Name  string `json:"name"`
	Down  string `json:"down,omitempty"`
	Back  string `json:"back,omitempty"`
	Error string `json:"error,omitempty"`
}
