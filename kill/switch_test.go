package kill

import (
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

func order(t Target, epoch uint64, revived bool) Order {
	return Order{Target: t, Epoch: epoch, Revived: revived, Reason: "test", At: time.Unix(1, 0)}
}

func TestKilledFollowsTheOrderThatStands(t *testing.T) {
	s, err := Open("")
	assert.NoError(t, err)
	target := Plugin("markdown", "1.2.0")
	var told []Order
	stop := s.OnChange(func(now []Order) { told = append(told, now...) })

	_, killed := s.Killed(target)
	assert.True(t, !killed, "nothing is killed at first")
	r, err := s.Apply("hub eu", order(target, 1, false))
	assert.NoError(t, err)
	assert.Equal(t, r.New, 1)
	assert.Equal(t, s.Source(), "hub eu")
	_, killed = s.Killed(target)
	assert.True(t, killed, "the target is killed")
	_, killed = s.Killed(Plugin("markdown", ""))
	assert.True(t, !killed, "other targets are not")

	_, err = s.Apply("late", order(target, 1, true))
	assert.NoError(t, err)
	_, killed = s.Killed(target)
	assert.True(t, killed, "a revival of the same epoch changes nothing")
	_, err = s.Apply("hub us", order(target, 2, true))
	assert.NoError(t, err)
	_, killed = s.Killed(target)
	assert.True(t, !killed, "a revival of a higher epoch revives")
	assert.Equal(t, len(told), 2)
	stop()
	_, err = s.Apply("hub us", order(target, 3, false))
	assert.NoError(t, err)
	assert.Equal(t, len(told), 2)
	s.OnChange(func(now []Order) { told = append(told, now...) })
	assert.Equal(t, len(told), 3)
}

func TestTargetText(t *testing.T) {
	for text, want := range map[string]Target{
		"capability/text.stats":   Capability("text.stats"),
		"plugin/markdown":         Plugin("markdown", ""),
		"plugin/markdown@1.2.0":   Plugin("markdown", "1.2.0"),
		"plugin/a%2Fb%40c@1":      Plugin("a/b@c", "1"),
		"entry/codec/json":        Entry("codec", "json"),
		"entry/codec/a%2Fb":       Entry("codec", "a/b"),
		"instance/orders/host-1":  Instance("orders", "host-1"),
		"namespace/orders":        Namespace("orders"),
		"namespace/100%25%20sure": Namespace("100% sure"),
	} {
		got, err := ParseTarget(text)
		assert.NoError(t, err)
		assert.Equal(t, got, want)
		assert.Equal(t, got.String(), text)
	}
	for _, text := range []string{
		"", "plugin", "plugin/", "plugin/a@", "plugin/@1", "plugin/a@1@2", "plugin/a/b", "pluto/a", "entry/a", "entry/a/", "entry/a/b/c",
		"capability/%41", "capability/%2f", "capability/%", "capability/a b", "capability/a@b", "capability/\n", "capability/\xff",
	} {
		_, err := ParseTarget(text)
		assert.ErrorAs[*TargetError](t, err)
	}
}
