"""Model servers of this machine, behind one seam: Ollama, llama.cpp's server, llama-swap."""
