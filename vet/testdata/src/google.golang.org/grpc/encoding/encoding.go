package encoding

type Compressor interface{ Name() string }

func RegisterCompressor(c Compressor) {}
