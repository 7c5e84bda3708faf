package encoding

type Compressor interface{ Name() string }

func RegisterCompressor(c Compressor) {}

func GetCompressor(name string) Compressor { return nil }
