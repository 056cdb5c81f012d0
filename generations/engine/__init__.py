"""The local GPU: one thread that makes images of jobs. Only backends import torch, and only once an engine starts: so
nothing in here is loaded by web processes but what counts the tokens of a prompt.
"""
